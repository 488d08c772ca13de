import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BACI_HEAD = "t,i,j,k,v,q\n"
BACI_2022 = (
    BACI_HEAD + "2022,398,643,270900,10.001,   NA\n2022,398,643,010121,  0.5,1.0\n2022,643,398,010121,2,\n"
)
BACI_2023 = BACI_HEAD + "2023,398,842,260400,1.5,2\n2023,490,398,850110,4.25,1\n2023,4,398,080620,0.001,3\n"


@pytest.fixture
def baci_zip(tmp_path: Path) -> Path:
    """An archive in the publisher's layout: two years, the code lists, a readme."""
    path = tmp_path / "BACI_HS17_V202501.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BACI_HS17_Y2022_V202501.csv", BACI_2022)
        archive.writestr("BACI_HS17_Y2023_V202501.csv", BACI_2023)
        archive.writestr("country_codes_V202501.csv", "country_code,country_name,country_iso2,country_iso3\n")
        archive.writestr("product_codes_HS17_V202501.csv", "code,description\n")
        archive.writestr("Readme.txt", "BACI")
    return path


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    def make(*members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
        path = tmp_path / "made.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members:
                archive.writestr(member, data, zipfile.ZIP_DEFLATED)
        return path

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of sample data beside the repository, or in BETWEENGIANTS_SHARED."""
    folder = Path(os.environ.get("BETWEENGIANTS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no folder of shared sample data (set BETWEENGIANTS_SHARED)")
    return folder
