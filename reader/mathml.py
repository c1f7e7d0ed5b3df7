"""A formula as MathML, which browsers typeset themselves."""

import ast
from html import escape

from reader.formulas import _called, _parts, parse

GREEK = {
    "mu": "μ",
    "sigma": "σ",
    "var": "σ²",
    "eps": "ε",
    "delta": "δ",
    "beta": "β",
    "eta": "η",
    "kappa": "κ",
    "alpha": "α",
    "pi": "π",
}
WORDS = {"exp", "log", "tanh", "diag", "lse", "softmax", "gelu", "onehot"}
SUM, PRODUCT, POWER, ATOM = range(4)
RANK = {ast.Add: SUM, ast.Sub: SUM, ast.Mult: PRODUCT, ast.Div: ATOM, ast.MatMult: PRODUCT, ast.Pow: POWER}


def math(text: str, display: bool = False) -> str:
    """The MathML of `a`, `a == b` or `a := b`."""
    if text.startswith("given "):
        return _row("<mtext>given&nbsp;</mtext>", *_given(text.removeprefix("given ")), display=display)
    left, defines, right = text.partition(":=")
    if defines:
        return _row(_node(parse(left)), "<mo>=</mo>", _node(parse(right)), display=display)
    return _row(_node(parse(text)), display=display)


def _row(*parts: str, display: bool) -> str:
    return f"<math{' display=block' if display else ''}>{''.join(parts)}</math>".replace(
        "display=block", 'display="block"'
    )


def _given(arrays: str) -> list[str]:
    found = []
    for node in ast.parse(f"({arrays},)", mode="eval").body.elts:
        array = node.left if isinstance(node, ast.Compare) else node
        if found:
            found.append("<mo>,</mo>")
        found.append(_name(array.value.id) if isinstance(array, ast.Subscript) else _name(array.id))
        if isinstance(array, ast.Subscript):
            letters = "<mo>×</mo>".join(f"<mi>{part.id}</mi>" for part in _parts(array.slice))
            found.append(f'<mspace width=".2em"/><mo stretchy="false">(</mo>{letters}<mo stretchy="false">)</mo>')
    return found


def _name(name: str) -> str:
    if name in GREEK:
        return f"<mi>{GREEK[name]}</mi>" if name != "var" else "<msup><mi>σ</mi><mn>2</mn></msup>"
    if name.endswith("hat"):
        return f'<mover accent="true"><mi>{name[:-3]}</mi><mo>^</mo></mover>'
    if len(name) > 1 and name[0] == "d":
        return f'<mrow><mi mathvariant="normal">d</mi>{_name(name[1:])}</mrow>'
    base, _, index = name.partition("_")
    if index:
        return f"<msub><mi>{base}</mi><mi>{index}</mi></msub>"
    return f"<mi>{escape(name)}</mi>"


def _fence(inner: str) -> str:
    return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"


def _rank(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return RANK[type(node.op)]
    if isinstance(node, ast.UnaryOp) or _called(node) == "Sum":
        return SUM
    if isinstance(node, ast.Call) and _called(node) == "outer":
        return PRODUCT
    return ATOM


def _at_least(node: ast.expr, rank: int) -> str:
    return _node(node) if _rank(node) >= rank else _fence(_node(node))


def _node(node: ast.expr) -> str:
    if isinstance(node, ast.Compare):
        return "<mo>=</mo>".join(_node(side) for side in [node.left, *node.comparators])
    if isinstance(node, ast.Constant):
        return f"<mn>{node.value}</mn>"
    if isinstance(node, ast.Name):
        return _name(node.id)
    if isinstance(node, ast.Subscript):
        if isinstance(node.value, ast.Call):
            return f"<mtext>{escape(ast.unparse(node))}</mtext>"
        indices = "".join(_node(part) for part in _parts(node.slice))
        return f"<msub>{_node(node.value)}<mrow>{indices}</mrow></msub>"
    if isinstance(node, ast.Attribute):
        return f'<msup>{_at_least(node.value, ATOM)}<mi mathvariant="normal">⊤</mi></msup>'
    if isinstance(node, ast.UnaryOp):
        return f"<mrow><mo>−</mo>{_at_least(node.operand, PRODUCT)}</mrow>"
    if isinstance(node, ast.BinOp):
        return _operation(node)
    return _call(node)


def _operation(node: ast.BinOp) -> str:
    left, right = node.left, node.right
    if isinstance(node.op, ast.Div):
        return f"<mfrac>{_mrow(_node(left))}{_mrow(_node(right))}</mfrac>"
    if isinstance(node.op, ast.Pow):
        return f"<msup>{_mrow(_at_least(left, ATOM))}{_mrow(_node(right))}</msup>"
    if isinstance(node.op, (ast.Add, ast.Sub)):
        sign = "+" if isinstance(node.op, ast.Add) else "−"
        bare = _called(right) == "Sum" or (
            isinstance(node.op, ast.Add) and _rank(right) == SUM and not isinstance(right, ast.UnaryOp)
        )
        return f"<mrow>{_node(left)}<mo>{sign}</mo>{_node(right) if bare else _at_least(right, PRODUCT)}</mrow>"
    between = '<mspace width=".16em"/>' if not isinstance(right, ast.Constant) else "<mo>·</mo>"
    closed = _node(right) if _called(right) == "Sum" else _at_least(right, PRODUCT)
    return f"<mrow>{_at_least(left, PRODUCT)}{between}{closed}</mrow>"


def _mrow(inner: str) -> str:
    return f"<mrow>{inner}</mrow>"


def _call(node: ast.Call) -> str:
    name, arguments = _called(node), node.args
    if name == "Sum":
        body = _node(arguments[1])
        if isinstance(arguments[1], ast.BinOp) and isinstance(arguments[1].op, (ast.Add, ast.Sub)):
            body = _fence(body)
        return f'<mrow><munder><mo movablelimits="false">∑</mo>{_node(arguments[0])}</munder>{body}</mrow>'
    if name == "d":
        f, x = (_node(part) for part in arguments)
        if isinstance(arguments[0], (ast.Name, ast.Subscript)):
            return f"<mfrac><mrow><mo>∂</mo>{f}</mrow><mrow><mo>∂</mo>{x}</mrow></mfrac>"
        return f"<mrow><mfrac><mo>∂</mo><mrow><mo>∂</mo>{x}</mrow></mfrac>{_fence(f)}</mrow>"
    if name == "delta":
        return f"<msub><mi>δ</mi><mrow>{''.join(_node(part) for part in arguments)}</mrow></msub>"
    if name == "sqrt":
        return f"<msqrt>{_node(arguments[0])}</msqrt>"
    if name == "outer":
        return f'<mrow>{_at_least(arguments[0], ATOM)}<msup>{_at_least(arguments[1], ATOM)}<mi mathvariant="normal">⊤</mi></msup></mrow>'
    if name in ("eye", "ones"):
        return f'<mi mathvariant="normal">{"I" if name == "eye" else "1"}</mi>'
    if name == "sum_rows":
        return f'<mrow><msup><mi mathvariant="normal">1</mi><mi mathvariant="normal">⊤</mi></msup>{_at_least(arguments[0], ATOM)}</mrow>'
    if name in WORDS:
        inner = "<mo>,</mo>".join(_node(part) for part in arguments[:1])
        return f"<mrow><mi>{name}</mi>{_fence(inner)}</mrow>"
    return f"<mtext>{escape(ast.unparse(node))}</mtext>"
