"""Reviews of Amazon and Yelp as lines of JSON, packed or not; or one line on what is wrong."""

import bz2
import gzip
import json

import pytest

from kdiffe_jax.data.content.attributes import path_relation
from kdiffe_jax.data.readers.reviews import read_amazon, read_yelp
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.data.tables.values import LIST_MARK
from kdiffe_jax.errors import DataError

OLD = [
    {"reviewerID": "ann", "asin": "B1", "overall": 5.0, "unixReviewTime": 1400000000},
    {"reviewerID": "ann", "asin": "B2", "overall": 4.0, "unixReviewTime": 1400000001},
    {"reviewerID": "ben", "asin": "B1", "overall": 2.0, "unixReviewTime": 1400000002},
]
OLD_PRODUCTS = [
    {
        "asin": "B1",
        "title": "Red \\ cup",
        "imUrl": "http://x/1.jpg",
        "categories": [["Kitchen", "Cups"], ["Gifts"]],
        "related": {"also_bought": ["B2", "B9"], "also_viewed": ["B2"]},
    },
    {"asin": "B2", "brand": "Acme", "price": 3.5, "related": {"also_bought": ["B2"]}},
    {"asin": "B3", "salesRank": {"Kitchen": 3}},
]


def lines(rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def amazon(tmp_path):
    """As in 2014: packed, the products as Python writes them."""
    (tmp_path / "reviews_Kitchen_5.json.gz").write_bytes(gzip.compress(lines(OLD)))
    products = "".join(f"{row!r}\n" for row in OLD_PRODUCTS)
    (tmp_path / "meta_Kitchen.json.gz").write_bytes(gzip.compress(products.encode()))
    return tmp_path


@pytest.fixture
def yelp(tmp_path):
    rows = [
        {"user_id": "u1", "business_id": "b1", "stars": 4.0, "date": "2018-07-07 22:09:11"},
        {"user_id": "u2", "business_id": "b2", "stars": 1.0, "date": "2018-07-08 22:09:11"},
    ]
    (tmp_path / "yelp_academic_dataset_review.json").write_bytes(lines(rows))
    rows = [
        {"business_id": "b1", "name": "Café", "categories": "Food, Tea", "hours": {"Mon": "8-9"}},
        {"business_id": "b2", "name": "Bar", "categories": None, "city": "Reno", "hours": None},
    ]
    (tmp_path / "yelp_academic_dataset_business.json").write_bytes(lines(rows))
    (tmp_path / "yelp_academic_dataset_tip.json").write_bytes(b"{}\n")
    return tmp_path


def refusal(read, path) -> str:
    with pytest.raises(DataError) as caught:
        read(path, name="shop")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def pairs_of(catalogue):
    rows = catalogue.interactions
    users, items = rows.users.tolist(), rows.items.tolist()
    return [
        (catalogue.user_ids[u], catalogue.item_ids[i]) for u, i in zip(users, items, strict=True)
    ]


def test_amazon_of_2014(amazon):
    layout, catalogue = read_source(amazon, name="shop")
    assert layout == "amazon"
    assert pairs_of(catalogue) == [("ann", "B1"), ("ann", "B2"), ("ben", "B1")]
    assert catalogue.interactions.ratings.tolist() == [5, 4, 2]
    assert catalogue.interactions.times.tolist() == [1400000000, 1400000001, 1400000002]
    assert catalogue.item_ids == ("B1", "B2", "B3")
    assert catalogue.item_names[0] == "Red \\ cup"
    assert catalogue.item_pictures == ("http://x/1.jpg", "", "")
    assert catalogue.columns["categories"] == (
        LIST_MARK + '[["Kitchen", "Cups"], ["Gifts"]]',
        "",
        "",
    )
    assert catalogue.columns["brand"] == ("", "Acme", "")
    assert catalogue.files == ("reviews_Kitchen_5.json.gz", "meta_Kitchen.json.gz")
    assert "meta_Kitchen.json.gz: ignored salesRank, neither text nor numbers" in catalogue.notes


def test_products_of_the_data_set_are_linked(amazon):
    catalogue = read_amazon(amazon, name="shop")
    bought, viewed = catalogue.relations
    for relation in (bought, viewed):
        assert relation.links_items
        assert (relation.items.tolist(), relation.entities.tolist()) == ([0], [1])
    assert (bought.name, viewed.name) == ("also_bought", "also_viewed")
    note = "also_bought: 2 of 3 links lead to no other product of the data set and were left out"
    assert f"meta_Kitchen.json.gz: {note}" in catalogue.notes


def test_amazon_of_2018_names_a_product_twice(amazon):
    (amazon / "meta_Kitchen.json.gz").unlink()
    product = {"asin": "B1", "title": "Cup", "category": ["Kitchen", "Cups"], "also_buy": ["B2"]}
    product |= {
        "imageURL": [],
        "imageURLHighRes": ["http://x/large.jpg"],
        "description": ["a", "b"],
    }
    (amazon / "meta_Kitchen.json").write_bytes(lines([product, product, {"asin": "B2"}]))
    catalogue = read_amazon(amazon, name="shop")
    assert catalogue.columns["category"] == (LIST_MARK + '["Kitchen", "Cups"]', "")
    assert catalogue.columns["description"] == ("a|b", "")
    assert catalogue.item_pictures == ("http://x/large.jpg", "")
    assert [relation.name for relation in catalogue.relations] == ["also_buy"]
    note = "meta_Kitchen.json: 1 rows name an item again; the first row counts"
    assert note in catalogue.notes


def test_amazon_of_2023_names_parents(tmp_path):
    rows = [
        {
            "rating": 5.0,
            "user_id": "ann",
            "parent_asin": "B1",
            "asin": "B7",
            "timestamp": 1588687728,
        },
        {
            "rating": 1.0,
            "user_id": "ben",
            "parent_asin": "B1",
            "asin": "B8",
            "timestamp": 1588687729,
        },
    ]
    (tmp_path / "Toys.jsonl").write_bytes(lines(rows))
    pictures = [{"thumb": "http://x/s.jpg", "large": "http://x/l.jpg", "hi_res": None}]
    product = {"parent_asin": "B1", "title": "Cup", "store": "Acme", "images": pictures}
    (tmp_path / "meta_Toys.jsonl").write_bytes(lines([product | {"details": {"a": 1}}]))
    catalogue = read_amazon(tmp_path, name="shop")
    assert pairs_of(catalogue) == [("ann", "B1"), ("ben", "B1")]
    assert catalogue.item_pictures == ("http://x/l.jpg",)
    assert catalogue.columns["store"] == ("Acme",)


def test_several_categories_are_one_data_set(amazon):
    (amazon / "reviews_Toys_5.json.bz2").write_bytes(bz2.compress(lines([OLD[0] | {"asin": "T1"}])))
    (amazon / "meta_Toys.json").write_bytes(lines([{"asin": "T1", "title": "Doll"}]))
    catalogue = read_amazon(amazon, name="shop")
    assert pairs_of(catalogue)[-1] == ("ann", "T1")
    assert dict(zip(catalogue.item_ids, catalogue.item_names, strict=True))["T1"] == "Doll"


def test_each_category_has_products_without_reviews(tmp_path):
    for letter in "XY":
        reviews = [{"user_id": "ann", "parent_asin": f"{letter}{n}"} for n in range(2)]
        (tmp_path / f"{letter}.jsonl").write_bytes(lines(reviews))
        names = [f"{letter}{n}" for n in range(3)]
        products = [{"parent_asin": name, "title": name, "image": f"{name}.jpg"} for name in names]
        (tmp_path / f"meta_{letter}.jsonl").write_bytes(lines(products))
    catalogue = read_amazon(tmp_path, name="shop")
    assert catalogue.item_ids == ("X0", "X1", "Y0", "Y1", "X2", "Y2")
    assert catalogue.item_names == catalogue.columns["title"] == catalogue.item_ids
    assert catalogue.item_pictures == tuple(f"{name}.jpg" for name in catalogue.item_ids)


def test_yelp(yelp):
    layout, catalogue = read_source(yelp, name="towns")
    assert layout == "yelp"
    assert pairs_of(catalogue) == [("u1", "b1"), ("u2", "b2")]
    assert catalogue.interactions.ratings.tolist() == [4, 1]
    assert catalogue.interactions.times[0] < catalogue.interactions.times[1]
    assert catalogue.item_names == ("Café", "Bar")
    assert catalogue.columns["city"] == ("", "Reno")
    kind = path_relation("categories", catalogue.columns["categories"], "|", " > ")
    assert {kind.entity_names[e] for e in kind.entities} <= {"Food", "Tea"}
    assert catalogue.columns["categories"] == (LIST_MARK + '[["Food"], ["Tea"]]', "")


def test_yelp_in_short_names_without_businesses(yelp):
    (yelp / "yelp_academic_dataset_business.json").unlink()
    catalogue = read_yelp(yelp, name="towns")
    assert catalogue.columns == {}
    for file in list(yelp.iterdir()):
        file.rename(yelp / file.name.removeprefix("yelp_academic_dataset_"))
    (yelp / "business.json").write_bytes(lines([{"business_id": "b1", "name": "Café"}]))
    assert read_source(yelp, name="towns")[0] == "yelp"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("reviews.json", b'{"asin": "B1"}\n', "reviews.json: no column of user ids"),
        ("reviews.json", b'{"user_id": "a", "asin": 1}\nx\n', "reviews.json, line 2: 'x' is no"),
        ("reviews.json", b'[{"user_id": "a"}]\n', "reviews.json: one array of JSON"),
        (
            "reviews.json",
            b'{"user_id": "a", "asin": "B1"}\n{"user_id": "b"}\n',
            "reviews.json, row 2: the item id is",
        ),
        ("meta.json", b'{"title": "x"}\n', "meta.json: no column of item ids"),
        ("meta.json", b'{"asin": {"a": 1}}\n', "meta.json, line 1: 'asin' holds an object"),
        ("meta.json", b'{"asin": "B8"}\n{"asin": \xff}\n', "meta.json, line 2: not UTF-8 text"),
        ("meta.json", b"__import__('os')\n", "meta.json"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, file, content, message):
    (tmp_path / "reviews.json").write_bytes(lines(OLD))
    (tmp_path / file).write_bytes(content)
    assert message in refusal(read_amazon, tmp_path)


def test_nothing_to_read(tmp_path):
    assert "no file of reviews" in refusal(read_amazon, tmp_path)
    assert "yelp_academic_dataset_review.json: no such file" in refusal(read_yelp, tmp_path)


def test_two_files_of_reviews_of_yelp(yelp):
    (yelp / "review.json.gz").write_bytes(gzip.compress(b"{}"))
    assert "keep one" in refusal(read_yelp, yelp)
