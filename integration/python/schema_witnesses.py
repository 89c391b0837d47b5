"""Looks for witnesses against pairs of JSON Schemas: a value that the old schema allows and the new one does not.

    python integration/python/schema_witnesses.py \
        kafka-client/formats/tests/pairs kafka-client/formats/tests/golden

The values are those of VALUES and, in objects and lists, of these. The judge is jsonschema 4 (MIT), which each of the
two schemas is given to by itself. The output is the same in every run.
"""

import itertools
import json
import pathlib
import sys

import jsonschema

ATOMS = [None, True, 0, 1, 2, 5, 7, 9, 10, 15, -1, 0.5, 1.5, 8.5, "", "a", "b", "aaaaaaa", "abcdefghijkl", "x"]
NAMES = ["a", "b", "s_a", "s_b", "z", "value", "next"]


def values():
    yield from ATOMS
    few = [None, 1, 1.5, "a", {"b": 1.5}, {"value": 1.5}, [1]]
    for length in range(4):
        yield from (list(items) for items in itertools.product(few[:4], repeat=length))
    for length in range(4):
        for names in itertools.combinations(NAMES, length):
            kinds = few if length < 3 else few[1:4]
            for chosen in itertools.product(kinds, repeat=length):
                yield dict(zip(names, chosen))


def allows(schema, value):
    """None where the validator cannot tell, as with a reference that leads nowhere."""
    try:
        return jsonschema.Draft7Validator(schema).is_valid(value)
    except Exception:
        return None


def witness(old, new):
    for value in values():
        if allows(old, value) and allows(new, value) is False:
            return [value]
    return []


def main(pairs, golden):
    lines = (pathlib.Path(pairs) / "json.jsonl").read_text().splitlines()
    with open(pathlib.Path(golden) / "json.jsonl", "w") as out:
        for line in lines:
            pair = json.loads(line)
            pair["witness"] = witness(json.loads(pair["old"]), json.loads(pair["new"]))
            out.write(json.dumps(pair) + "\n")


main(*sys.argv[1:])
