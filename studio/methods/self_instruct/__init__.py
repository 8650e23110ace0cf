"""Self-Instruct (Wang et al. 2022, arXiv 2212.10560) and its Alpaca variant (stanford_alpaca), pure.

A request is built, somebody asks the model, the reply is read, and what was read is judged:

    bootstrap        8 tasks of the pool -> a list to continue -> new instructions
    instructions     the filters on a new instruction, in the paper's order
    classification   is it a classification task? -> yes or no
    instances        output-first or input-first -> inputs and outputs -> rows, and what was dropped and why
    alpaca_variant   3 seed tasks -> whole tasks in one request, instead of the four steps above

    numbering        reads numbered lists     rules         every rule with its reason
    parameters       of the papers' requests  prompts       the prompt files

The ROUGE-L filter comes after the filters on a new instruction; it is `studio.curate.selecting.novelty`.

As a method of the studio:

    method           what the engine sees     progress      how far a run is, and what it asks next
    requests         what is asked of whom    candidates    replies read and judged, as rows
    pool             the task pool            expectations  what a run may take
    lineage          operations, and how rows are numbered
"""
