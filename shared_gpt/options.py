"""Types of options that may be left out; the help text of each says what happens then."""

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

OptionalInt = Annotated[int | None, arg(metavar="INT", help_behavior_hint="")]
OptionalFloat = Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="")]
OptionalBool = Annotated[bool | None, arg(metavar="{True,False}", help_behavior_hint="")]
OptionalPath = Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")]
OptionalText = Annotated[str | None, arg(metavar="STR", help_behavior_hint="")]
