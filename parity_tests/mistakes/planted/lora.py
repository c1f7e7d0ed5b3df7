"""Mistakes in numpy_gpt/lora.py: the scale, the frozen base and merging."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "LoRA scaled by alpha",
        "alpha is the number that one sets, and at rank 1 it is right",
        "lora.py",
        "        return self.alpha / self.rank\n",
        "        return self.alpha\n",
        "LoRALinear in lora.py): its output is the first to differ",
    ),
    Mistake(
        "LoRA's A and B swapped",
        "one starts at zero and one at random; with A at zero, B learns nothing at first",
        "lora.py",
        "        self.lora_A = Parameter(draw.astype(base.weight.data.dtype))\n"
        "        self.lora_B = Parameter(np.zeros((out_features, rank), base.weight.data.dtype))\n",
        "        self.lora_A = Parameter(np.zeros((rank, in_features), base.weight.data.dtype))\n"
        "        self.lora_B = Parameter(np.resize(draw, (out_features, rank)).astype(base.weight.data.dtype))\n",
        "apply_lora (lora.py): h.0.attn.c_proj.lora_A is the first to differ",
    ),
    Mistake(
        "gradients leak into the base",
        "an optimizer that is given A and B alone hides it",
        "lora.py",
        "        parameter.requires_grad = False\n",
        "        pass\n",
        "a term too many: it should be zero throughout",
    ),
    Mistake(
        "LoRA's dropout on the base",
        "one dropped x for both branches is simpler",
        "lora.py",
        "        y = super().forward(x)\n        if self.merged:\n            return y\n        dropped = self.dropout(x)\n",
        "        if self.merged:\n            return super().forward(x)\n"
        "        dropped = self.dropout(x)\n        y = super().forward(dropped)\n",
        "With LoRA: h.0.attn.c_attn, forward (LoRALinear in lora.py): its output",
    ),
    Mistake(
        "LoRA's u without the scale",
        "s stands in z, which serves dB; u needs one of its own",
        "lora.py",
        "        u = self.scale * (dy_rows @ self.lora_B.data)",
        "        u = dy_rows @ self.lora_B.data",
        "= R/alpha",
    ),
    Mistake(
        "LoRA's branch returns no gradient",
        "the base's dx has the right shape, and is most of it",
        "lora.py",
        "        return super().backward(dy) + dx",
        "        return super().backward(dy)",
        "a missing term: the gradient that h.1.mlp.c_proj.dropout returns",
    ),
    Mistake(
        "merged without the scale",
        "B A is called ΔW in the drawing",
        "lora.py",
        "        return self.scale * (self.lora_B.data @ self.lora_A.data)\n",
        "        return self.lora_B.data @ self.lora_A.data\n",
        "merge_lora (lora.py): the merged model's output",
    ),
]
