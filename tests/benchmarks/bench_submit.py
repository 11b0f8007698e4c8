"""How many orders of one tenant the one-machine cloud stores in a second, and how often their transactions conflicted.

Run with `make bench`. Each order is one transaction on the tenant's wallet. Prints figures; asserts nothing.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.bench_job import running_cloud
from tests.benchmarks.sizes import sized
from tests.integration.song import Cloud, request

ORDERS = sized(100, 10)
CLIENTS = (1, sized(8, 2))
MODEL = "aimlapi/minimax/music-2.0"
# The songs take so long that nothing but orders is measured.
FLAGS = ["--provider-latency", "600", "--param", f'ModelLatencyPriors={{"{MODEL}":{{"p50_s":600,"p80_s":900}}}}']
SETTLE_DOWN_S = 2.0


def orders_per_second(cloud: Cloud, clients: int) -> float:
    """From the first order's beginning to the last one's answer."""
    body = request("one of many orders", model=MODEL)
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda _: cloud.submit(body), range(clients * 2)))
        time.sleep(SETTLE_DOWN_S)
        began = time.monotonic()
        list(pool.map(lambda _: cloud.submit(body), range(ORDERS)))
    return ORDERS / (time.monotonic() - began)


def transactions(cloud: Cloud) -> int:
    """How many the function for orders has sent; what exceeds the orders was repeated."""
    lines = (Path(cloud.line["logs_dir"]) / "aws.jsonl").read_text("utf-8").splitlines()
    calls = [(call["function"], call["action"]) for call in map(json.loads, lines)]
    return calls.count(("SubmitJobFunction", "dynamodb:TransactWriteItems"))


def main() -> None:
    """Print the figures."""
    with running_cloud(FLAGS) as (cloud, _):
        for clients in CLIENTS:
            print(f"orders of one tenant a second, {clients} at a time: {orders_per_second(cloud, clients):.1f}")
        orders = sum(ORDERS + clients * 2 for clients in CLIENTS)
        print(f"transactions repeated: {transactions(cloud) - orders} of {orders}")


if __name__ == "__main__":
    main()
