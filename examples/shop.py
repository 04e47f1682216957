"""Writes a small shop to try the program on: python examples/shop.py shop

A directory with interactions.csv (who bought what, when, and how it was rated) and items.csv
(title, brand, colour, categories). Customers have a favourite department, colour and brand,
so what they buy can be told from what items are made of. The same files every time.
"""

import csv
import itertools
import random
import sys
from datetime import date, timedelta
from pathlib import Path

CUSTOMERS = 500
PURCHASES = (8, 16)
COLOURS = ("red", "blue", "green", "white", "black")
# Department -> products, materials, brands.
DEPARTMENTS = {
    "Kitchen": (("cup", "bowl", "plate", "teapot"), ("stoneware", "glass"), ("Acme", "Bolt")),
    "Clothes": (("scarf", "hat", "jumper", "gloves"), ("wool", "cotton"), ("Wolle", "Nord")),
    "Garden": (("pot", "lantern", "bench", "can"), ("zinc", "wood"), ("Fern", "Hedge")),
}


def items(dice: random.Random) -> list[dict[str, str]]:
    """Every product in every material and colour."""
    return [
        {
            "item_id": f"{colour}-{material}-{product}",
            "title": f"{colour} {material} {product}".capitalize(),
            "brand": dice.choice(brands),
            "colour": colour,
            "categories": f"{department} > {product.capitalize()}",
        }
        for department, (products, materials, brands) in DEPARTMENTS.items()
        for product, material, colour in itertools.product(products, materials, COLOURS)
    ]


def purchases(customer: str, catalogue: list[dict[str, str]], dice: random.Random):
    """What a customer bought: mostly of the favourite department, colour and brand."""
    department = dice.choice(list(DEPARTMENTS))
    colour, brand = dice.choice(COLOURS), dice.choice(DEPARTMENTS[department][2])
    likings = [
        (8 if item["categories"].startswith(department) else 1)
        * (5 if item["colour"] == colour else 1)
        * (3 if item["brand"] == brand else 1)
        for item in catalogue
    ]
    # The largest of u^(1/w): as many different items, drawn by their weights w.
    order = sorted(range(len(catalogue)), key=lambda i: -(dice.random() ** (1 / likings[i])))
    for i in order[: dice.randint(*PURCHASES)]:
        liked = likings[i] > 1
        yield {
            "user_id": customer,
            "item_id": catalogue[i]["item_id"],
            "rating": dice.choice((3, 4, 5) if liked else (1, 2, 3, 4)),
            "timestamp": date(2025, 1, 1) + timedelta(days=dice.randrange(365)),
        }


def write(file: Path, rows: list[dict]) -> None:
    """A CSV file with a header."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    print(f"{file}: {len(rows)} rows")


def main(directory: Path) -> None:
    """Writes both tables."""
    dice = random.Random(0)
    catalogue = items(dice)
    customers = [f"c{number:03d}" for number in range(1, CUSTOMERS + 1)]
    bought = [row for customer in customers for row in purchases(customer, catalogue, dice)]
    directory.mkdir(parents=True, exist_ok=True)
    write(directory / "items.csv", catalogue)
    write(directory / "interactions.csv", bought)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/shop.py DIRECTORY")
    main(Path(sys.argv[1]))
