"""The one family of errors a person sees.

StudioError            what happened, what was kept, what to do
+-- UsageError         the call itself was wrong (exit code 2)
+-- ProjectError       the project folder or its database
|   +-- LockedError    somebody else is writing in this project
+-- BudgetError        a cap that the person set is reached
+-- ModelError         a chat model did not answer, and will answer nothing else either: key, credit, address
    +-- RefusedError   ... will never answer this one request, but may answer others
    +-- PassingError   ... may answer if asked again
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


class BudgetError(StudioError):
    """A cap of the budget is reached: nothing more was asked, what was in flight is kept."""

    title = "Budget"


class ModelError(StudioError):
    """A chat model did not answer, and neither this request nor another would change that."""

    title = "Chat model"


class RefusedError(ModelError):
    """This one request is never answered (content filter, longer than the context); others may be."""


class PassingError(ModelError):
    """A failure that may pass: rate limit, server error, time-out, cut connection.

    retry_after: seconds the server asked us to wait, or None. limited: the endpoint limits our rate, so every
    request has to wait, not only this one. paid: it may charge for an answer that did not arrive.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        limited: bool = False,
        paid: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.limited = limited
        self.paid = paid
