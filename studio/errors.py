"""The one family of errors a person sees.

StudioError            what happened, what was kept, what to do
+-- UsageError         the call itself was wrong (exit code 2)
+-- ProjectError       the project folder or its database
|   +-- LockedError    somebody else is writing in this project
+-- ModelError         a chat model did not answer
    +-- PassingError   ... but may answer if asked again
"""

from __future__ import annotations


class StudioError(Exception):
    """An error that explains itself.

    message: what happened and what was kept. title: three words for a dialog.
    hint: what the person can do about it, one line.
    """

    title = "That did not work"

    def __init__(self, message: str, *, title: str | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.title = title or type(self).title
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(StudioError):
    """The call was wrong; nothing was done."""

    title = "Wrong use"


class ProjectError(StudioError):
    """The project folder or its database cannot be used as asked."""

    title = "Project"


class LockedError(ProjectError):
    """Another process holds the project's writer lock."""

    title = "Project is in use"


class ModelError(StudioError):
    """A chat model did not give an answer; asking again would not help."""

    title = "Chat model"


class PassingError(ModelError):
    """A failure that may pass: rate limit, server error, time-out, cut connection.

    retry_after: seconds the server asked us to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
