"""classify: texts sorted by a model that was fine-tuned on labels."""

import sys
from dataclasses import dataclass
from types import ModuleType

from tyro.conf import Positional


@dataclass(frozen=True)
class Classify:
    """Sort texts with a model that was fine-tuned on labels."""

    weights: str = "marren-spam"
    """marren-spam, which ships with the project; or the folder of a finetune labels run."""
    texts: Positional[tuple[str, ...]] = ()
    """The texts; without any, each line of standard input is one."""

    def run(self, twin: ModuleType) -> None:
        import numpy as np

        from shared_gpt.commands.loading import load_classifier, task_folder
        from shared_gpt.text import LabelDataset, labels_and_last
        from shared_gpt.training.arrays import to_numpy

        model, tokenizer, classes = load_classifier(twin, task_folder(self.weights))
        context_length, widest = model.config.context_length, max(map(len, classes))
        if not self.texts and sys.stdin.isatty():
            print("One text on each line; Ctrl-D ends.", file=sys.stderr)
        for text in self.texts or (line.strip() for line in sys.stdin if line.strip()):
            dataset = LabelDataset([(classes[0], text)], tokenizer, context_length, classes)
            if (length := len(tokenizer.encode(text))) > context_length:
                print(
                    f"Only the first {context_length} of {length} tokens count; the model sees no more.",
                    file=sys.stderr,
                )
            inputs, targets = dataset.collate([dataset[0]])
            _, last = labels_and_last(targets)
            (scores,) = to_numpy(twin.predict_classes(model, inputs, last)).astype(np.float64)
            p = np.exp(scores - scores.max())
            p /= p.sum()
            print(f"{classes[p.argmax()]:<{widest}}  {p.max():6.1%}  {text}", flush=True)
