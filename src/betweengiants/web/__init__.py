"""The position and its what-ifs as a small web application that runs on the reader's own machine.

`create_app` builds it; the command `betweengiants serve` runs it.
"""

from betweengiants.web.app import create_app

__all__ = ["create_app"]
