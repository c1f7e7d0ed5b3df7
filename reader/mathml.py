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
SUM, PRODUCT, ATOM = range(3)  # how closely a formula holds together
T = '<mi mathvariant="normal">⊤</mi>'
# What a function looks like, its arguments in their places; how closely they, and the whole, must hold together.
CALLS = {
    "delta": ("<msub><mi>δ</mi><mrow>{}{}</mrow></msub>", SUM, ATOM),
    "sqrt": ("<msqrt>{}</msqrt>", SUM, ATOM),
    "outer": (f"<mrow>{{}}<msup>{{}}{T}</msup></mrow>", ATOM, PRODUCT),
    "sum_rows": (f'<mrow><msup><mi mathvariant="normal">1</mi>{T}</msup>{{}}</mrow>', ATOM, ATOM),
    "eye": ('<mi mathvariant="normal">I</mi>', SUM, ATOM),
    "ones": ('<mi mathvariant="normal">1</mi>', SUM, ATOM),
}
WORDS = ("exp", "log", "tanh", "diag", "lse", "softmax", "gelu", "onehot")


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
    """The MathML of `given …`, `a`, `a == b` or `a := b`."""
    if text.startswith("given "):  # a line may end after each array
        arrays = map(_given, parse(f"({text.removeprefix('given ')},)").elts)
        return f"given {', '.join(f'<math>{array}</math>' for array in arrays)}"
    inner = "<mo>=</mo>".join(_node(parse(side)) for side in text.split(":="))
    kind = ' display="block"' if display else ""
    return f"<math{kind}>{inner}</math>"


def _given(node: ast.expr) -> str:
    """An array with the letters of its axes; below what its numbers are, only the test needs to know."""
    array = node.left if isinstance(node, ast.Compare) else node
    if isinstance(array, ast.Name):
        return _name(array.id)
    letters = "<mo>×</mo>".join(f"<mi>{part.id}</mi>" for part in parts_of(array.slice))
    brackets = f'<mo stretchy="false">(</mo>{letters}<mo stretchy="false">)</mo>'
    return f'{_name(array.value.id)}<mspace width=".2em"/>{brackets}'


def _name(name: str) -> str:
    base, _, index = name.partition("_")
    if name == "var":
        return "<msup><mi>σ</mi><mn>2</mn></msup>"
    if name in GREEK:
        return f"<mi>{GREEK[name]}</mi>"
    if name.endswith("hat"):
        return f'<mover accent="true"><mi>{name[:-3]}</mi><mo>^</mo></mover>'
    if len(name) > 1 and name[0] == "d":
        return f'<mrow><mi mathvariant="normal">d</mi>{_name(name[1:])}</mrow>'
    return f"<msub><mi>{base}</mi><mi>{index}</mi></msub>" if index else f"<mi>{escape(name)}</mi>"


def _node(node: ast.expr, rank: int = SUM) -> str:
    """A formula, in brackets if it does not hold together as closely as `rank`."""
    inner, own = _typeset(node)
    return inner if own >= rank else _fence(inner)


def _fence(inner: str) -> str:
    kind = "" if "<mfrac" in inner or "<munder" in inner else ' stretchy="false"'
    return f"<mrow><mo{kind}>(</mo>{inner}<mo{kind}>)</mo></mrow>"


def _last(node: ast.expr) -> str:
    """The last factor or term: a sum over an index needs no brackets there."""
    return _node(node, SUM if called(node) == "Sum" else PRODUCT)


def _typeset(node: ast.expr) -> tuple[str, int]:
    """A formula without brackets around it, and how closely it holds together."""
    match node:
        case ast.Compare(left, _, others):
            return "<mo>=</mo>".join(map(_node, [left, *others])), SUM
        case ast.Constant(value):
            digits, _, power = str(value).partition("e-0")
            ten = f"<mo>·</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>{power}</mn></mrow></msup>"
            return (f"<mrow><mn>{digits}</mn>{ten}</mrow>" if power else f"<mn>{value}</mn>"), ATOM
        case ast.Name(name):
            return _name(name), ATOM
        case ast.Subscript(ast.Name() as array, index):
            return f"<msub>{_node(array)}<mrow>{''.join(map(_node, parts_of(index)))}</mrow></msub>", ATOM
        case ast.Attribute(matrix, "T"):
            return f"<msup>{_node(matrix, ATOM)}{T}</msup>", ATOM
        case ast.UnaryOp(ast.USub(), operand):
            return f"<mrow><mo>−</mo>{_node(operand, PRODUCT)}</mrow>", SUM
        case ast.BinOp(left, ast.Div(), right):
            return f"<mfrac><mrow>{_node(left)}</mrow><mrow>{_node(right)}</mrow></mfrac>", ATOM
        case ast.BinOp(left, ast.Pow(), right):
            return f"<msup><mrow>{_node(left, ATOM)}</mrow><mrow>{_node(right)}</mrow></msup>", ATOM
        case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
            return f"<mrow>{_node(left)}<mo>{'+' if isinstance(sign, ast.Add) else '−'}</mo>{_last(right)}</mrow>", SUM
        case ast.BinOp(left, _, right):
            between = "<mo>·</mo>" if isinstance(right, ast.Constant) else '<mspace width=".16em"/>'
            return f"<mrow>{_node(left, PRODUCT)}{between}{_last(right)}</mrow>", PRODUCT
        case ast.Call(ast.Name("Sum"), [index, body]):
            under = f'<munder><mo movablelimits="false">∑</mo>{_node(index)}</munder>'
            return f"<mrow>{under}{_last(body)}</mrow>", SUM
        case ast.Call(ast.Name("d"), [ast.Name() | ast.Subscript() as f, x]):
            return f"<mfrac><mrow><mo>∂</mo>{_node(f)}</mrow><mrow><mo>∂</mo>{_node(x)}</mrow></mfrac>", ATOM
        case ast.Call(ast.Name("d"), [f, x]):
            by = f"<mfrac><mo>∂</mo><mrow><mo>∂</mo>{_node(x)}</mrow></mfrac>"
            return f"<mrow>{by}{_fence(_node(f))}</mrow>", ATOM
        case ast.Call(ast.Name(name), [x, *_]) if name in WORDS:
            return f"<mrow><mi>{name}</mi>{_fence(_node(x))}</mrow>", ATOM
        case ast.Call(ast.Name(name), arguments) if name in CALLS:
            look, closely, own = CALLS[name]
            return look.format(*(_node(one, closely) for one in arguments)), own
    return f"<mtext>{escape(ast.unparse(node))}</mtext>", ATOM  # a function of numpy_gpt
