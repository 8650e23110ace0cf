"""What a row is: the dataset types, their checks, the model of LLaMA-Factory's loader, dataset_info. Pure."""
