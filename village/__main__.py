"""python -m village [folder]: make the generated texts again, in `shared_gpt/text/data` or in the folder.

python -m village models [folder]: train the models that ship and pack them in `shared_gpt/models`, or in the folder. This takes
20 minutes on two cores; the runs stay in `runs/models`.
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
    else:
        write_files(words[0] if words else SHIPPED)
