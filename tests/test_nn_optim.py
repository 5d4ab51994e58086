"""Optimisers and schedules, step by step against PyTorch 2.13 (float64, CPU)."""

import math

import pytest

import engine
from engine import Value
from nn import MLP, optim

# Two parameters from (3, -2) on the surface below: where they are after 1, 2 and 10 steps.
PYTORCH = [
    (
        optim.SGD,
        {"lr": 0.1},
        [
            (2.7920340573300733, -1.9253650452104079),
            (2.552175278060718, -1.761683924455841),
            (1.3216390915366711, -0.723228454850997),
        ],
    ),
    (
        optim.SGD,
        {"lr": 0.05, "momentum": 0.9},
        [
            (2.8960170286650366, -1.962682522605204),
            (2.693867253991431, -1.87422166858177),
            (-0.3132488142241761, 0.904702051515575),
        ],
    ),
    (
        optim.SGD,
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        [
            (2.7739323544635694, -1.9100967929498875),
            (2.4145231867674295, -1.6856110994638083),
            (0.13620334213752838, 0.5477399272475053),
        ],
    ),
    (
        optim.Adam,
        {},
        [
            (2.9990000000048083, -1.9990000000133985),
            (2.9979999778462636, -1.9979999507707569),
            (2.9899970630660606, -1.9899930454281323),
        ],
    ),
    (
        optim.Adam,
        {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.0001, "weight_decay": 0.1},
        [
            (2.900004202105426, -1.9000105658035573),
            (2.7998414412855883, -1.8006249730569688),
            (1.9913982436565938, -1.0050242406631726),
        ],
    ),
    (
        optim.AdamW,
        {"lr": 0.1},
        [
            (2.897000000480848, -1.8980000013398548),
            (2.7940113130473256, -1.7976038185533445),
            (1.966934084906779, -1.0041302701540489),
        ],
    ),
    (
        optim.AdamW,
        {"lr": 0.1, "weight_decay": 0.5},
        [
            (2.750000000480848, -1.8000000013398547),
            (2.513327846227661, -1.6185172114690476),
            (1.0681505877292583, -0.5050962068866617),
        ],
    ),
    (
        optim.RMSProp,
        {},
        [
            (2.9000000048084793, -1.900000013398546),
            (2.823730147600533, -1.8151105511808487),
            (2.4148812765438503, -1.3363820925227727),
        ],
    ),
    (
        optim.RMSProp,
        {"lr": 0.05, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1},
        [
            (2.841886119092722, -1.841886122275041),
            (2.6357487731115556, -1.6206981098739313),
            (1.5398023375568748, -0.6096688962002056),
        ],
    ),
    (
        optim.Adagrad,
        {},
        [
            (2.9900000000004807, -1.9900000000013398),
            (2.982895653104266, -1.9828479046295937),
            (2.9491718657028527, -1.9480624231053354),
        ],
    ),
    (
        optim.Adagrad,
        {"lr": 0.5, "weight_decay": 0.1},
        [
            (2.5000000000210116, -1.5000000000528346),
            (2.0584100382699697, -1.0115267802395036),
            (1.3117404133601818, -0.6831931905907738),
        ],
    ),
]
RATES = [
    (optim.step(0.1, 3, 0.5), [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025]),
    (
        optim.cosine(0.1, 5, 0.01),
        [0.1, 0.09140576474687263, 0.06890576474687263, 0.04109423525312736, 0.018594235253127367, 0.01],
    ),
    (optim.warmup(0.1, 4), [0.025, 0.05, 0.075, 0.1, 0.1, 0.1]),
    (optim.constant(0.1), [0.1, 0.1, 0.1]),
]


def surface(a, b):
    return (a - 1) ** 2 + engine.sin(a * b) + engine.cosh(b)


@pytest.mark.parametrize(("make", "settings", "places"), PYTORCH)
def test_every_step_is_that_of_pytorch(make, settings, places):
    a, b = Value(3.0), Value(-2.0)
    optimizer = make([a, b], **settings)
    seen = []
    for _ in range(10):
        optimizer.zero_grad()
        surface(a, b).backward()
        optimizer.step()
        seen.append((a.data, b.data))
    for place, expected in zip([seen[0], seen[1], seen[9]], places, strict=True):
        assert place == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize(("schedule", "rates"), RATES)
def test_schedules_are_those_of_pytorch(schedule, rates):
    assert [schedule(t) for t in range(len(rates))] == pytest.approx(rates, rel=1e-12)


def test_a_schedule_stays_at_its_end_and_schedules_combine():
    assert optim.cosine(0.1, 5, 0.01)(1000) == pytest.approx(0.01)
    assert optim.warmup(optim.cosine(0.1, 5), 2)(0) == 0.05


def test_an_optimiser_follows_its_schedule():
    x = Value(0.0)
    optimizer = optim.SGD([x], lr=lambda t: [1.0, 10.0, 100.0][t])
    for _ in range(3):
        x.grad = -1.0
        optimizer.step()
    assert (x.data, optimizer.steps) == (111.0, 3)


def test_zero_grad_clears_the_gradients_of_the_parameters():
    x = Value(1.0)
    x.grad = 5.0
    optim.SGD([x]).zero_grad()
    assert x.grad == 0.0


def test_repr_says_what_it_does():
    assert repr(optim.Adam([Value(1.0)], lr=0.25)) == "Adam(1 parameter, lr=0.25)"


def both_again(x):
    return [x, x]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.SGD([]), ValueError, "one parameter at least"),
        (lambda: optim.SGD(both_again(Value(1.0))), ValueError, "each of them once"),
        (lambda: optim.SGD(MLP(1, [1])), TypeError, "got MLP: pass model.parameters()"),
        (lambda: optim.SGD([1.0]), TypeError, "a parameter is a Value that nothing computed, got 1.0"),
        (lambda: optim.SGD([Value(1.0) * 2]), TypeError, "nothing computed"),
        (lambda: optim.SGD([Value(1.0)], lr=-1.0), ValueError, "lr is a number of 0 or more, got -1.0"),
        (lambda: optim.SGD([Value(1.0)], lr=math.nan), ValueError, "lr is a number of 0 or more, got nan"),
        (lambda: optim.SGD([Value(1.0)], nesterov=True), ValueError, "give a momentum"),
        (
            lambda: optim.Adam([Value(1.0)], betas=(0.9, 1.0)),
            ValueError,
            r"betas\[1\] has to be in \[0, 1\), got 1.0",
        ),
        (lambda: optim.Adam([Value(1.0)], betas=0.9), ValueError, r"betas is a pair of numbers"),
        (lambda: optim.Adam([Value(1.0)], betas=(math.nan, 0.9)), ValueError, r"betas\[0\] has to be in"),
        (lambda: optim.RMSProp([Value(1.0)], alpha=-0.1), ValueError, r"alpha has to be in \[0, 1\)"),
        (lambda: optim.SGD([Value(1.0)], lr="a"), ValueError, "lr is a number of 0 or more, got 'a'"),
        (lambda: optim.SGD([Value(1.0)], momentum=-1), ValueError, "momentum is a number of 0 or more"),
        (lambda: optim.AdamW([Value(1.0)], weight_decay=math.inf), ValueError, "weight_decay is a number"),
        (lambda: optim.SGD(Value(1.0)), TypeError, "got Value: pass model.parameters()"),
        (lambda: optim.SGD(None), TypeError, "got NoneType: pass model.parameters()"),
        (lambda: optim.step(0.1, 0), ValueError, "every is an int of 1 or more, got 0"),
        (lambda: optim.cosine(0.1, 2.5), ValueError, "steps is an int of 1 or more, got 2.5"),
        (lambda: optim.warmup(-0.1, 5), ValueError, "lr is a number of 0 or more"),
        (lambda: optim.Adam([Value(1.0)], eps=0.0), ValueError, "eps is a number above 0"),
    ],
)
def test_impossible_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
