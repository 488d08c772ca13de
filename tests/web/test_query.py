import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.network import BASES
from betweengiants.position.live import CAPACITIES, THETA_HIGH, THETA_LOW, Live, Question
from betweengiants.web.query import address, read_fields, read_question


@pytest.fixture(scope="session")
def live(app: Starlette) -> Live:
    return app.state.site.live


def test_left_out_means_the_dossiers_own_setting(live: Live) -> None:
    asked = read_question("by=RUS", live)
    assert asked == Question(("RUS",), live.default_theta)
    assert address(asked, live) == "by=RUS"


def test_one_address_for_one_question(live: Live) -> None:
    forms = [
        "by=CHN&by=RUS",
        "by=RUS&by=CHN&by=RUS&theta=1.50",
        "theta=+1.5e0&by=RUS&by=CHN&basis=none&" + "&".join(f"basis={b}" for b in BASES),
    ]
    assert {address(read_question(form.replace("+", "%2B"), live), live) for form in forms} == {
        "by=RUS&by=CHN"
    }


def test_an_empty_form_of_bases_is_no_basis(live: Live) -> None:
    asked = read_question("by=RUS&basis=none", live)
    assert asked.bases == ()
    assert address(asked, live) == "by=RUS&basis=none"


@given(data=st.data())
def test_address_and_back(live: Live, data: st.DataObject) -> None:
    edges = live.edges["edge_id"].to_list()
    asked = live.check(
        Question(
            tuple(data.draw(st.lists(st.sampled_from(live.position.dossier.powers), min_size=1))),
            data.draw(st.floats(THETA_LOW, THETA_HIGH)),
            data.draw(st.sampled_from(CAPACITIES)),
            tuple(data.draw(st.lists(st.sampled_from(BASES)))),
            tuple(data.draw(st.lists(st.sampled_from(edges), max_size=5))),
        )
    )
    assert read_question(address(asked, live), live) == asked


@given(query=st.text(max_size=200))
def test_any_text_is_a_question_or_one_sentence(live: Live, query: str) -> None:
    sentence = ""
    try:
        read_question(query, live)
    except BetweenGiantsError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert len(sentence) < 1000


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("by=RUS&theta=", "theta) ''"),
        ("by=RUS&theta=1,5", "'1,5'"),
        ("by=RUS&theta=1_5", "'1_5'"),
        ("by=RUS&theta=nan", "'nan'"),
        ("by=RUS&theta=inf", "'inf'"),
        ("by=RUS&theta=%D9%A1", "decimal point"),
        ("by=RUS&theta=1e400", "a number from 0.1 to 50"),
        ("by=RUS&theta=1e300", "a number from 0.1 to 50"),
        ("by=RUS&theta=-1", "a number from 0.1 to 50"),
        ("by=RUS&theta=1&theta=2", "found theta 2 times; allowed: once"),
        ("by=RUS&days=90", "unknown field of the address 'days'"),
        ("by=", "unknown power ''"),
        ("by=rus", "did you mean RUS"),
        ("by=RUS&capacity=high", "unknown bound of capacities 'high'"),
        ("by=RUS&basis=all", "unknown basis of control 'all'"),
        ("theta=2", "found no power that severs"),
        ("by=%FF", "found an address that is no UTF-8 text"),
        ("&".join(["by=RUS"] * 101), "found 101 fields"),
    ],
)
def test_bad_addresses(live: Live, query: str, words: str) -> None:
    with pytest.raises(DataError) as error:
        read_question(query, live)
    assert words in str(error.value)


def test_fields() -> None:
    assert read_fields("a=1&a=2&b=", ("a",), ("b",)) == {"a": ["1", "2"], "b": [""]}
    assert read_fields("", ("a",), ()) == {}
