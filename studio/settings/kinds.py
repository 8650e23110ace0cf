"""Kinds of values that several settings have: within bounds, or texts that stand for something."""

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Lanes = Annotated[int, Meta(ge=1, le=1024)]
Amount = Annotated[float, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Address = Annotated[str, Meta(extra={"kind": "address"})]
Folder = Annotated[str, Meta(extra={"kind": "folder"})]
