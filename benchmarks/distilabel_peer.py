"""distilabel's Pipeline with its EvolInstruct: requests/s, printed. For `benchmarks/evolve.py --distilabel PYTHON`,
which runs this with that Python, where distilabel[openai] (and requests, which it forgets to ask for) is installed:
its pins are not the studio's.

    PYTHON benchmarks/distilabel_peer.py URL REQUESTS CONCURRENCY
"""

from __future__ import annotations

import sys
import time


def main(url: str, requests: int, concurrency: int) -> None:
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import EvolInstruct

    tasks = [{"instruction": f"Explain to a new colleague what tool number {n} is for."} for n in range(requests)]
    with Pipeline(name="peer") as pipeline:
        load = LoadDataFromDicts(data=tasks, batch_size=concurrency)
        llm = OpenAILLM(model="instant", base_url=url, api_key="none")
        load >> EvolInstruct(llm=llm, num_evolutions=1, input_batch_size=concurrency)
    start = time.perf_counter()
    distiset = pipeline.run(use_cache=False)
    seconds = time.perf_counter() - start
    made = len(distiset["default"]["train"])
    assert made == requests, made
    print(f"{requests / seconds:.1f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
