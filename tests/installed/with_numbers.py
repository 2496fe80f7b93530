"""What a program can do with the numbers extra: read local numbers."""

from engagelab_async import broadcast
from engagelab_async.bulk import check_recipients, normalize_number

if __name__ == "__main__":
    print(normalize_number("9123 4567", "SG"))
    print(check_recipients(["9123 4567"], country="SG"))
    print([each.to for each in broadcast(["9123 4567"], "1233", country="SG")])
