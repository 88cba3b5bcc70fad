"""Bars within bars, and a line printed between them, by tqdm."""

import time

from tqdm import tqdm

for epoch in tqdm(range(3), desc="epochs", colour="green"):
    for batch in tqdm(range(4), desc="batches", leave=epoch == 1):
        for _ in tqdm(range(2), desc="steps", leave=False):
            time.sleep(0.05)
        if batch == 2:
            tqdm.write(f"a word from epoch {epoch}")
