import pickle

import pytest

from betweengiants.core.countries import check_country
from betweengiants.core.errors import (
    BetweenGiantsError,
    DataError,
    Infeasible,
    NoEquilibrium,
    NotConverged,
    OutputError,
    UnknownLabel,
    nearest,
    quoted,
    summary,
)


def unknown_country() -> BetweenGiantsError:
    with pytest.raises(BetweenGiantsError) as caught:
        check_country("KZA", file="flows.csv", row=7, column="exporter")
    return caught.value


CASES: list[tuple[BetweenGiantsError, int, str]] = [
    (
        DataError(found="'x'", allowed="a number", file="a.csv", row=3, column="value"),
        2,
        "a.csv, row 3, column 'value': found 'x'; allowed: a number.",
    ),
    (DataError(found="nothing", allowed="a row", file="a.csv"), 2, "a.csv: found nothing; allowed: a row."),
    (
        DataError(found="nothing", allowed="a row", column="v"),
        2,
        "column 'v': found nothing; allowed: a row.",
    ),
    (DataError(found="nothing", allowed="a row"), 2, "found nothing; allowed: a row."),
    (
        UnknownLabel("RSU", ["RUS", "CHN", "USA"], what="power", file="a.csv", row=2),
        2,
        "a.csv, row 2: found unknown power 'RSU'; allowed: did you mean RUS?",
    ),
    (
        UnknownLabel("zzz", ["b", "a"], what="unit"),
        2,
        "found unknown unit 'zzz'; allowed: one of a, b.",
    ),
    (OutputError("out/x.csv", "no space left"), 2, "cannot write out/x.csv: no space left."),
    (
        NotConverged("the solver", residual=0.00123, iterations=50, tolerance=1e-10),
        3,
        "the solver did not converge: residual 0.00123 after 50 iterations (tolerance 1e-10).",
    ),
    (
        NoEquilibrium("cut", "a state has no supplier", states=["KAZ"]),
        3,
        "scenario 'cut' has no finite equilibrium: a state has no supplier (KAZ).",
    ),
    (
        Infeasible("the programme", status="infeasible", binds=["row a", "row b"]),
        3,
        "the programme has no solution (infeasible); what binds: row a, row b.",
    ),
    (
        unknown_country(),
        2,
        "flows.csv, row 7, column 'exporter': found unknown country 'KZA'; allowed: did you mean KAZ (Kazakhstan)",
    ),
]


@pytest.mark.parametrize(("error", "code", "message"), CASES, ids=lambda case: type(case).__name__)
def test_one_sentence_and_an_exit_code(error: BetweenGiantsError, code: int, message: str) -> None:
    assert str(error).startswith(message)
    assert error.exit_code == code
    assert str(error).endswith((".", "?"))
    assert not str(error).endswith(("?.", ".."))


@pytest.mark.parametrize("error", [case[0] for case in CASES], ids=lambda error: type(error).__name__)
def test_errors_cross_processes(error: BetweenGiantsError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_attributes() -> None:
    error = DataError(found="'x'", allowed="a number", file="a.csv", row=3, column="value")
    assert (error.file, error.row, error.column, error.found, error.allowed) == (
        "a.csv",
        3,
        "value",
        "'x'",
        "a number",
    )
    label = UnknownLabel("RSU", ["RUS", "CHN"])
    assert isinstance(label, DataError)
    assert (label.label, label.suggestions) == ("RSU", ["RUS"])
    stuck = Infeasible("p", status="unbounded")
    assert (stuck.status, stuck.binds) == ("unbounded", ())
    slow = NotConverged("s", residual=1.0, iterations=2, tolerance=1e-3)
    assert (slow.residual, slow.iterations, slow.tolerance) == (1.0, 2, 1e-3)
    assert NoEquilibrium("s", "r", states=["KAZ"]).states == ("KAZ",)


def test_nearest_is_best_first() -> None:
    assert nearest("KZA", ["KAZ", "KWT", "UZB", "ZAF"])[0] == "KAZ"
    assert nearest("crude-kax", ["crude-rus", "crude-kaz"])[0] == "crude-kaz"
    assert nearest("qqq", ["KAZ", "RUS"]) == []
    assert nearest("", ["KAZ"]) == []
    assert nearest("x" * 100_000, ["x" * 99] * 3) == []
    assert nearest("pipe1", [f"pipe{n}" for n in range(9)]) == ["pipe1", "pipe0", "pipe2"]


def test_summary_is_short() -> None:
    assert summary([]) == ""
    assert summary("abc") == "a, b, c"
    assert summary([str(n) for n in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"


def test_quoted() -> None:
    assert quoted("Қазақстан") == "'Қазақстан'"
    assert quoted("a\nb\x1b[2J") == r"'a\nb\x1b[2J'"
    assert quoted("x" * 500) == "'" + "x" * 80 + "...'"
