"""``python -m slotspec``: the same as the command ``slotspec``."""

from slotspec.cli import main

if __name__ == "__main__":
    main()
