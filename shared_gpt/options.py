"""Kinds of options that may stay open; the text under each option says what holds then."""

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

OpenInt = Annotated[int | None, arg(metavar="INT", help_behavior_hint="")]
OpenFloat = Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="")]
OpenBool = Annotated[bool | None, arg(metavar="{True,False}", help_behavior_hint="")]
OpenPath = Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")]
OpenText = Annotated[str | None, arg(metavar="STR", help_behavior_hint="")]
