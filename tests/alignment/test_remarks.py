from pathlib import Path

import pytest

from betweengiants.alignment.remarks import own_bloc_remark, remarks
from betweengiants.alignment.votes import read_votes
from betweengiants.core.errors import DataError, UnknownLabel

HEAD = "resolution,session,date,country,vote\n"


def write(folder: Path, rows: str) -> Path:
    path = folder / "votes.csv"
    path.write_text(HEAD + rows, encoding="utf-8")
    return path


GOOD = "r,1,2000-01-01,KAZ,yes\nr,1,2000-01-01,RUS,no\n"


def test_a_clean_file_has_none(tmp_path: Path) -> None:
    assert remarks(read_votes(write(tmp_path, GOOD))) == []


def test_another_coding_is_counted_and_not_guessed(tmp_path: Path) -> None:
    rows = (
        GOOD
        + "s,1,2000-01-02,KAZ,Y\ns,1,2000-01-02,RUS,2\ns,1,2000-01-02,DEU,YES\ns,1,2000-01-02,USA,absent\n"
    )
    left_out, coding, alone = remarks(read_votes(write(tmp_path, rows)))
    assert left_out == "left out, as neither yes, abstain nor no: 1 2, 1 Y, 1 YES, 1 absent"
    assert coding.startswith(
        "of these 3 look like votes in another coding (1 '2', 1 'Y', 1 'YES'): not guessed"
    )
    assert alone.startswith("1 of 2 resolutions")


def test_a_declared_coding_is_read_beside_the_words(tmp_path: Path) -> None:
    rows = GOOD + "s,1,2000-01-02,KAZ,1\ns,1,2000-01-02,RUS,3\ns,1,2000-01-02,DEU,8\n"
    votes = read_votes(write(tmp_path, rows), codes={"1": "yes", "2": "abstain", "3": "no"})
    assert votes.matrix.tolist() == [[0, 1, 3], [0, 1, 3]]
    assert votes.left_out == {"8": 1}
    with pytest.raises(UnknownLabel, match="vote of code '1'"):
        read_votes(write(tmp_path, GOOD), codes={"1": "Yes"})
    with pytest.raises(DataError, match="to stand for itself"):
        read_votes(write(tmp_path, GOOD), codes={"yes": "no"})


def test_a_resolution_with_one_voter(tmp_path: Path) -> None:
    rows = GOOD + "s,1,2000-01-02,KAZ,yes\nt,1,2000-01-03,KAZ,absent\n"
    assert "2 of 3 resolutions with fewer than two votes" in remarks(read_votes(write(tmp_path, rows)))[-1]


def test_sessions_against_the_order_of_dates(tmp_path: Path) -> None:
    rows = "r,2,2000-01-01,KAZ,yes\nr,2,2000-01-01,RUS,no\ns,1,2001-01-01,KAZ,yes\ns,1,2001-01-01,RUS,no\n"
    (found,) = remarks(read_votes(write(tmp_path, rows)))
    assert found.endswith("2 (from 2000-01-01) before 1 (from 2001-01-01)")
    # sessions that merely overlap are usual
    overlapping = rows.replace("s,1,2001", "s,3,2001") + "u,2,2002-01-01,KAZ,yes\nu,2,2002-01-01,RUS,yes\n"
    assert remarks(read_votes(write(tmp_path, overlapping))) == []


def test_a_label_that_is_no_code_among_codes(tmp_path: Path) -> None:
    (found,) = remarks(read_votes(write(tmp_path, GOOD + "r,1,2000-01-01,KZA,yes\n")))
    assert found == "no country codes, taken as they stand: KZA (1 votes)"
    # a file that uses names throughout is nobody's slip
    named = GOOD.replace("KAZ", "Kazakhstan").replace("RUS", "Russia")
    assert remarks(read_votes(write(tmp_path, named))) == []


def test_one_state_in_two_spellings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'KAZ' and 'kaz', which differ only in capitals") as caught:
        read_votes(write(tmp_path, GOOD + "s,1,2000-01-02,kaz,yes\n"))
    assert caught.value.column == "country"


def test_a_member_beside_its_own_bloc() -> None:
    blocs = {"EU27": ["DEU", "FRA"]}
    assert own_bloc_remark(["DEU", "KAZ"], ["EU27", "RUS"], blocs) == (
        "a member beside its own bloc, whose vote is in part its own: DEU with EU27"
    )
    assert own_bloc_remark(["KAZ"], ["EU27"], blocs) is None
