"""What a fine-tuned model is for: chat, and sorting texts. Both read the run's folder as its fine-tuning left it."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from shared_gpt.checkpoints.run_files import load_tensors
from shared_gpt.commands.generation import show, streamed
from shared_gpt.config import GPTConfig
from shared_gpt.files import read_json
from shared_gpt.text import LabelDataset, format_prompt, labels_and_last, load_tokenizer
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.state import to_numpy

if TYPE_CHECKING:
    from shared_gpt.commands.finetuning import Chat, Classify

TASK = "task.json"  # what using the model needs to know: the prompts' style, or the classes


def read_task(folder: RunFolder, key: str, task: str) -> Any:
    path = folder.path / TASK
    told = read_json(path) if path.is_file() else {}
    if key not in told:
        raise ValueError(f"{folder.path} is no finetune {task} run; give the folder of one.")
    return told[key]


def load_classifier(twin: ModuleType, folder: RunFolder) -> tuple[Any, Tokenizer, list[str]]:
    """The model of a finetune labels run with its best weights, its tokenizer and the names of its classes."""
    classes = read_task(folder, "classes", "labels")
    tensors, _ = load_tensors(folder.best)
    dtype = getattr(twin, tensors["model.wte.weight"].dtype.name)
    model = twin.GPTModel(GPTConfig(**folder.read_json(folder.config)), dtype=dtype, initialize=False)
    twin.add_class_head(model, len(classes))
    model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()})
    return model.eval(), load_tokenizer(folder.path), classes


def classify(twin: ModuleType, options: "Classify") -> None:
    """Print, for each text, its class with the probability that the model gives it."""
    model, tokenizer, classes = load_classifier(twin, RunFolder(options.weights))
    if not options.texts and sys.stdin.isatty():
        print("One text on each line; Ctrl-D ends.", file=sys.stderr)
    widest = max(map(len, classes))
    for text in options.texts or (line.strip() for line in sys.stdin if line.strip()):
        dataset = LabelDataset([(classes[0], text)], tokenizer, model.config.context_length, classes)
        if (length := len(tokenizer.encode(text))) > model.config.context_length:
            told = f"Only the first {model.config.context_length} of {length} tokens count: more the model cannot see."
            print(told, file=sys.stderr)
        inputs, targets = dataset.collate([dataset[0]])
        _, last = labels_and_last(targets)
        (scores,) = to_numpy(twin.predict_classes(model, inputs, last)).astype(np.float64)
        p = np.exp(scores - scores.max())
        p /= p.sum()
        print(f"{classes[p.argmax()]:<{widest}}  {p.max():6.1%}  {text}", flush=True)


def chat(twin: ModuleType, options: "Chat") -> None:
    """Answer each line, piece by piece as the answer comes."""
    folder = RunFolder(options.weights)
    style = read_task(folder, "style", "instructions")
    model, tokenizer = twin.load_run(folder.path), load_tokenizer(folder.path)
    rng = np.random.default_rng(options.seed)
    someone = sys.stdin.isatty()
    if someone:
        print("Ask or tell; what follows ' | ' is the text to work on. An empty line ends.")
    while request := ask(someone):
        instruction, _, given = request.partition(" | ")
        ids = tokenizer.encode(format_prompt({"instruction": instruction, "input": given}, style))
        room = model.config.context_length - len(ids)
        if room < 1:
            print(f"That is {len(ids)} tokens; at most {model.config.context_length - 1} fit. Ask in fewer words.")
            continue
        steps = twin.stream(
            model,
            [ids],
            min(options.max_new_tokens, room),
            temperature=options.temperature,
            eos_id=tokenizer.eot,
            rng=rng,
        )
        try:
            for piece, _ in streamed(tokenizer, ids, steps, tokenizer.eot):
                show(piece)
        except KeyboardInterrupt:  # ends the answer, not the talk
            pass
        print()


def ask(someone: bool) -> str:
    """The next request, empty at the end."""
    try:
        return input("> " if someone else "").strip()
    except EOFError:
        return ""
