"""python -m village [folder]: make the generated texts again, in `shared_gpt/text/data` or in the folder.

python -m village models [folder]: train the models that ship and pack them in `shared_gpt/models`, or in the folder. This takes
a quarter of an hour on two cores; the runs stay in `runs/models`.

python -m village measures: ask marren-chat, as it ships, all that was held out (docs/models.md). This takes seconds.

python -m village tiny: train the tiny model whose numbers the reader's pages show, in `reader/data`. This takes seconds.
"""

import sys
from pathlib import Path

from shared_gpt.checkpoints import shipped
from shared_gpt.text.corpora import SHIPPED
from village import write_files

if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["models"]:
        from village.models import make_models

        make_models(Path(words[1]) if words[1:] else shipped.FOLDER, Path("runs/models"))
    elif words[:1] == ["measures"]:
        import numpy_gpt
        from shared_gpt.commands.loading import load_model
        from village.measures import print_measures
        from village.models import CHAT, STYLE

        print_measures(numpy_gpt, *load_model(numpy_gpt, CHAT), STYLE)
    elif words[:1] == ["tiny"]:
        from village.tiny import make_tiny

        print(f"loss {make_tiny():.3f}")
    else:
        write_files(words[0] if words else SHIPPED)
