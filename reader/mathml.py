"""Formulas as MathML, which browsers typeset themselves.

A formula is written as a Python expression in index or matrix form:

    given x[N, C], w[C]                        arrays, a capital letter for each axis
    mu[n] := Sum(c, x[n, c]) / C               a definition; C is the length of its axis
    d(mu[n], x[n, j]) == 1 / C                 a claim, for every n and j: ∂μ_n/∂x_nj = 1/C
    dx == dy @ W                               the same for whole arrays

`d(f, x[n, j])` is the derivative through all definitions between x and f, `delta(i, j)` is 1 where i = j, and a function of
numpy_gpt is called by its name. `parity_tests/formulas.py` evaluates the same text, so what a page shows is what was checked.
"""

import ast
from html import escape

GREEK = {"mu": "μ", "eps": "ε", "kappa": "κ", "pi": "π"}
WORDS = {"exp", "log", "tanh", "diag", "lse", "softmax", "gelu", "onehot"}
SUM, PRODUCT, POWER, ATOM = range(4)
RANK = {ast.Add: SUM, ast.Sub: SUM, ast.Mult: PRODUCT, ast.Div: ATOM, ast.MatMult: PRODUCT, ast.Pow: POWER}


def parse(text: str) -> ast.expr:
    """A formula as a syntax tree."""
    return ast.parse(text.strip(), mode="eval").body


def called(node: ast.AST) -> str:
    """The name of the function that a node calls; "" if it is no call."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def parts_of(index: ast.expr) -> list[ast.expr]:
    """The places of an index: one, or those of a tuple."""
    return index.elts if isinstance(index, ast.Tuple) else [index]


def math(text: str, display: bool = False) -> str:
    """The MathML of `a`, `a == b` or `a := b`."""
    if text.startswith("given "):
        return _row("<mi>given</mi><mspace width='.5em'/>", *_given(text.removeprefix("given ")), display=display)
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
            letters = "<mo>×</mo>".join(f"<mi>{part.id}</mi>" for part in parts_of(array.slice))
            found.append(f'<mspace width=".2em"/><mo stretchy="false">(</mo>{letters}<mo stretchy="false">)</mo>')
    return found


def _name(name: str) -> str:
    if name == "var":
        return "<msup><mi>σ</mi><mn>2</mn></msup>"
    if name in GREEK:
        return f"<mi>{GREEK[name]}</mi>"
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
    if isinstance(node, ast.UnaryOp) or called(node) == "Sum":
        return SUM
    if isinstance(node, ast.Call) and called(node) == "outer":
        return PRODUCT
    return ATOM


def _at_least(node: ast.expr, rank: int) -> str:
    return _node(node) if _rank(node) >= rank else _fence(_node(node))


def _node(node: ast.expr) -> str:
    if isinstance(node, ast.Compare):
        return "<mo>=</mo>".join(_node(side) for side in [node.left, *node.comparators])
    if isinstance(node, ast.Constant):
        digits, _, power = str(node.value).partition("e-0")
        if power:
            return f"<mrow><mn>{digits}</mn><mo>·</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>{power}</mn></mrow></msup></mrow>"
        return f"<mn>{node.value}</mn>"
    if isinstance(node, ast.Name):
        return _name(node.id)
    if isinstance(node, ast.Subscript):
        if isinstance(node.value, ast.Call):
            return f"<mtext>{escape(ast.unparse(node))}</mtext>"
        indices = "".join(_node(part) for part in parts_of(node.slice))
        return f"<msub>{_node(node.value)}<mrow>{indices}</mrow></msub>"
    if isinstance(node, ast.Attribute):
        return _transposed(_at_least(node.value, ATOM))
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
        bare = called(right) == "Sum"
        return f"<mrow>{_node(left)}<mo>{sign}</mo>{_node(right) if bare else _at_least(right, PRODUCT)}</mrow>"
    between = '<mspace width=".16em"/>' if not isinstance(right, ast.Constant) else "<mo>·</mo>"
    closed = _node(right) if called(right) == "Sum" else _at_least(right, PRODUCT)
    return f"<mrow>{_at_least(left, PRODUCT)}{between}{closed}</mrow>"


def _mrow(inner: str) -> str:
    return f"<mrow>{inner}</mrow>"


def _transposed(inner: str) -> str:
    return f'<msup>{inner}<mi mathvariant="normal">⊤</mi></msup>'


def _call(node: ast.Call) -> str:
    name, arguments = called(node), node.args
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
        left, right = (_at_least(part, ATOM) for part in arguments)
        return _mrow(left + _transposed(right))
    if name in ("eye", "ones"):
        return f'<mi mathvariant="normal">{"I" if name == "eye" else "1"}</mi>'
    if name == "sum_rows":
        return _mrow(_transposed('<mi mathvariant="normal">1</mi>') + _at_least(arguments[0], ATOM))
    if name in WORDS:
        inner = "<mo>,</mo>".join(_node(part) for part in arguments[:1])
        return f"<mrow><mi>{name}</mi>{_fence(inner)}</mrow>"
    return f"<mtext>{escape(ast.unparse(node))}</mtext>"
