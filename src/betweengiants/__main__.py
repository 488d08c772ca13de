"""`python -m betweengiants`."""

from betweengiants.cli.app import main

if __name__ == "__main__":
    main()
