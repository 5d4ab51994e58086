"""The chain rule in words: the user's own symbols and numbers, and a sum that is the gradient."""

import re

import pytest

import engine
from engine import Value
from engine.explanation import explain
from engine.latex import LATEX
from engine.notation import PLAIN, PYTHON, expression
from engine.parser import parse
from engine.snapshot import Snapshot

EVIL = [
    '"]; evil [label="',
    "<script>alert(1)</script>",
    "</svg>",
    "{a|b}",
    "\0",
    "a\u202eb",
    "\ud800",
    "x" * 10_000,
    "$$\\input{/etc/passwd}$$",
    "javascript:alert(1)",
    "}\\end{aligned}",
]


def written(root, notation):
    reading = Snapshot(root)
    return expression(reading.order, reading.names, notation)


def sample():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    z = x**2 + engine.sin(x * y)
    z.label = "z"
    return x, y, z


def test_a_whole_explanation():
    assert (
        str(explain(sample()[2]))
        == """\
z = x ** 2 + sin(x * y) = 3.720584501801074
at x = 2, y = 3

    v1 = x ** 2    = 4           dv1/dx = 2 * x = 4
    v2 = x * y     = 6           dv2/dx = y = 3   dv2/dy = x = 2
    v3 = sin(v2)   = -0.279415   dv3/dv2 = cos(v2) = 0.96017
    z = v1 + v3    = 3.72058     dz/dv1 = 1       dz/dv3 = 1

dz/dx = dz/dv1 * dv1/dx             = 1 * 4             = 4
      + dz/dv3 * dv3/dv2 * dv2/dx   = 1 * 0.96017 * 3   = 2.88051
      = 6.880510859951098

dz/dy = dz/dv3 * dv3/dv2 * dv2/dy   = 1 * 0.96017 * 2   = 1.920340573300732"""
    )


def test_the_sums_are_the_gradients_to_the_bit():
    x, y, z = sample()
    z.backward()
    chain = explain(z, [x, "y"]).chain
    assert [s.total for s in chain.sums] == [x.grad, y.grad]


def test_explaining_changes_no_gradient():
    x, _, z = sample()
    z.backward(3.0)
    before = x.grad
    explain(z)
    assert x.grad == before


def test_the_paths_add_up():
    x, _, z = sample()
    total = explain((z * x).tanh() + z, x).chain.sums[0]
    products = [engine.prod([edge.slope for edge in path]) for path in total.paths]
    assert total.number == len(products) == 5
    assert sum(products) == pytest.approx(total.total, rel=1e-14)


def test_it_can_be_asked_for_inner_nodes_and_for_the_root():
    x, _, z = sample()
    w = z * x
    assert [s.total for s in explain(w, [z, w]).chain.sums] == [2.0, 1.0]
    assert "dv1/dz = 2" in str(explain(z * 2.0, z)).replace("v4", "v1")


def test_what_no_gradient_reaches_is_said():
    x = Value(2.5, "x")
    assert "no gradient can pass" in str(explain(engine.floor(x) * 2.0))
    assert "no gradient can pass" in str(explain(x * 2.0, Value(1.0, "other")))


def test_unlabelled_leaves_are_asked_for_only_if_there_are_no_others():
    x, secret = Value(2.0, "x"), Value(3.0)
    assert len(explain(x * secret).chain.sums) == 1
    assert len(explain(secret * 2.0).chain.sums) == 1


def test_exponentially_many_paths_are_folded():
    y = Value(1.0, "x")
    for _ in range(200):
        y = y + y
    words = str(explain(y))
    assert "... many more paths" in words
    assert len(words) < 10_000
    assert words.rstrip().endswith(repr(2.0**200))


def test_a_long_chain_is_folded():
    y = Value(1.0, "x")
    for _ in range(50_000):
        y = y * 1.0
    words = str(explain(y))
    assert "... 49994 more ..." in words
    assert len(words) < 10_000


def test_leaves_of_one_label_are_told_apart():
    a, b = Value(1.0, "w"), Value(2.0, "w")
    assert str(explain(a * b)).startswith("v1 = w * w_2 = 2")


@pytest.mark.parametrize("label", ["v1", "v2"])
def test_names_of_ours_avoid_the_users(label):
    x = Value(1.0, label)
    names = list(Snapshot(x.exp().sin()).names.values())
    assert len(set(names)) == 3


def test_notebooks_get_mathematics():
    explanation = explain(sample()[2], "x")
    latex = explanation._repr_latex_()
    assert r"z&=x^{2}+\sin\left(x\,y\right)=3.72058" in latex
    assert r"\frac{\partial v_{2}}{\partial x}=y=3" in latex
    assert latex.count("{") == latex.count("}")
    assert explanation._repr_markdown_().startswith("$$\n\\begin{aligned}")


@pytest.mark.parametrize(
    ("typed", "python", "latex"),
    [
        ("x - (y - x)", "x - (y - x)", r"x-\left(y-x\right)"),
        ("(x + y) * -x", "(x + y) * (-x)", r"\left(x+y\right)\,\left(-x\right)"),
        ("-(x**2)", "-x ** 2", "-x^{2}"),
        ("(-x)**2", "(-x) ** 2", r"\left(-x\right)^{2}"),
        ("x**y**2", "x ** (y ** 2)", "x^{y^{2}}"),
        ("(x**y)**2", "(x ** y) ** 2", r"\left(x^{y}\right)^{2}"),
        ("x / (y * x) / y", "x / (y * x) / y", r"\frac{\frac{x}{y\,x}}{y}"),
        ("2 * x * 3", "2 * x * 3", r"2\,x\cdot 3"),
        ("x * -2.5e-10", "x * (-2.5e-10)", r"x\,\left(-2.5\cdot 10^{-10}\right)"),
        ("exp(x + 1) * sqrt(y)", "exp(x + 1) * sqrt(y)", r"e^{x+1}\,\sqrt{y}"),
        ("dot([x, y], [y, 2])", "dot([x, y], [y, 2])", r"\left(x, y\right)\cdot\left(y, 2\right)"),
        ("sum([x, y]) ** 2", "sum([x, y]) ** 2", r"\operatorname{sum}\left(x, y\right)^{2}"),
        ("log(x, 10) + y", "log(x, 10) + y", r"\log_{10}\left(x\right)+y"),
        ("square(x - y)", "square(x - y)", r"\left(x-y\right)^{2}"),
        ("clamp(x, -1, 1)", "clamp(x, -1, 1)", r"\operatorname{clamp}\left(x, -1, 1\right)"),
    ],
)  # fmt: skip
def test_brackets_stand_where_they_must(typed, python, latex):
    root = parse(typed, x=2.0, y=3.0)
    assert written(root, PYTHON) == python
    assert written(root, LATEX) == latex
    assert parse(python, x=2.0, y=3.0).data == root.data


def test_numbers_for_people_have_true_minus_signs():
    assert written(parse("x**-2 - 1e-9 * x", x=2.0), PLAIN) == "x^(−2) − 1e−09 ⋅ x"


@pytest.mark.parametrize(
    ("label", "latex"),
    [("w", "w"), ("w0", "w_{0}"), ("w_1", "w_{1}"), ("alpha", r"\alpha"), ("beta2", r"\beta_{2}"),
     ("apple", r"\mathrm{apple}"), ("a b", r"\mathrm{a\ b}"), ("50%", r"\mathrm{50\%}")],
)  # fmt: skip
def test_labels_as_mathematicians_set_them(label, latex):
    assert LATEX.name(label) == latex


def test_a_huge_expression_calls_its_parts_by_their_names():
    x = y = Value(1.0, "x")
    for _ in range(100):
        y = y * y + x
    assert re.fullmatch(r"[\w .+*()]{20,600}", written(y, PYTHON))


@pytest.mark.parametrize("label", EVIL)
def test_no_label_breaks_out(label):
    x = Value(2.0, label)
    y = engine.custom(lambda x: x, lambda x: 1.0, name=label)(x) * x
    explanation = explain(y)
    for text in (str(explanation), explanation._repr_latex_(), explanation._repr_markdown_()):
        text.encode()
        assert len(text) < 5000
    latex = explanation._repr_latex_()
    assert not {"<", ">"} & set(latex)
    assert latex.count("$") - latex.count(r"\$") == 2
    assert latex.count(r"\end{aligned}") == 1
    assert "javascript:" not in latex


@pytest.mark.parametrize(
    ("wrt", "error"),
    [("q", "no node is labelled 'q'"), (3, "'int' object is not iterable"), ([3], "a Value or a label")],
)
def test_what_cannot_be_asked_for_is_said(wrt, error):
    with pytest.raises((ValueError, TypeError), match=error):
        explain(sample()[2], wrt)


def test_only_values_are_explained():
    with pytest.raises(TypeError, match="a Value, the root of a graph, got float"):
        explain(3.0)


def test_a_stale_graph_is_not_explained():
    x, _, z = sample()
    x.data = 5.0
    with pytest.raises(engine.StaleGraphError):
        explain(z)
    z.forward()
    assert str(explain(z)).startswith("z = ")


def test_a_huge_sum_is_explained_by_its_first_operands():
    xs = [Value(float(i)) for i in range(20_000)]
    for root in (engine.sum(xs), engine.dot(xs, xs[::-1]), engine.logsumexp(xs)):
        for text in (str(explain(root)), explain(root)._repr_latex_()):
            assert len(text) < 5_000
        assert "..." in str(explain(root, xs[-1]))
        with pytest.raises(ValueError, match="20,001 nodes"):
            engine.explore(root)
