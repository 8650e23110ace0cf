"""Editing text that must not reach the terminal as it is: each unsafe character gets a visible stand-in.

The editing widgets of Textual paint what they hold and split lines at every separator Python knows. So they
get text in which only safe characters are left; on the way back each stand-in becomes what it stood for.
"""

from __future__ import annotations

from studio.text.display import visible

# Braille patterns: one column wide, drawn by every terminal, and hardly ever in a dataset's text.
_SPARE = [chr(code) for code in range(0x2801, 0x2900)]


class StandIns:
    """One visible character for each unsafe one of a text; none of them occurs in the text itself.

    breaks: line breaks and tabs are safe (a field of several lines); without it they get stand-ins too.
    Raises ValueError for a text with more kinds of unsafe characters than there are stand-ins.
    """

    def __init__(self, text: str, *, breaks: bool) -> None:
        taken = set(text)
        free = [char for char in _SPARE if char not in taken]
        self._shown: dict[int, str] = {}
        for char in sorted(taken):
            picture = visible(char)
            if picture == char and (breaks or char not in "\n\t"):
                continue
            # ␛ for ESC reads best; but two unsafe characters never share a stand-in.
            if picture == char or picture in taken or picture in self._shown.values():
                if not free:
                    raise ValueError("more kinds of unsafe characters than stand-ins")
                picture = free.pop()
            self._shown[ord(char)] = picture
        self._meant = {ord(picture): chr(code) for code, picture in self._shown.items()}

    def show(self, text: str) -> str:
        """The text for an editing widget: as many characters, all of them safe."""
        return text.translate(self._shown)

    def restore(self, text: str) -> str:
        """What the person's text means: stand-ins are again what they stood for."""
        return text.translate(self._meant)
