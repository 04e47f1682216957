"""Stand-ins for mlflow and wandb: they record what they are called with and keep runs."""

import types


class Mlflow(types.ModuleType):
    """The functions of mlflow that are used; `runs` is what a server would hold."""

    class MlflowException(Exception):
        pass

    def __init__(self):
        super().__init__("mlflow")
        self.runs, self.active, self.away = {}, None, False

    def set_experiment(self, name):
        self.experiment = name

    def start_run(self, run_id=None, run_name=None):
        if run_id is not None and run_id not in self.runs:
            raise self.MlflowException(f"Run {run_id!r}\nnot found")
        if run_id is None:
            run_id = f"id{len(self.runs)}"
            self.runs[run_id] = {"name": run_name, "experiment": self.experiment, "logged": []}
            self.runs[run_id]["params"] = {}
        self.active = self.runs[run_id]
        latest = {name: value for name, _, value in self.active["logged"]}
        data = types.SimpleNamespace(metrics=latest, params=dict(self.active["params"]))
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=run_id), data=data)

    def log_params(self, params):
        assert 0 < len(params) <= 100 and not params.keys() & self.active["params"].keys()
        self.active["params"] |= params

    def log_metrics(self, metrics, step):
        if self.away:
            raise self.MlflowException("no\nanswer")
        assert not any(set("@:") & set(name) for name in metrics)
        self.active["logged"] += [(name, step, value) for name, value in metrics.items()]

    def end_run(self, status):
        self.active["status"] = status


class Run:
    """A run that is resumed by its id, with the summary that it had."""

    def __init__(self, **begun):
        self.begun, self.logged, self.summary, self.axes = begun, [], {}, {}

    def define_metric(self, name, step_metric=None):
        self.axes[name] = step_metric

    def log(self, figures):
        self.logged.append(figures)
        self.summary.update(figures)

    def finish(self, exit_code):
        self.exit_code = exit_code


class WeightsAndBiases(types.ModuleType):
    """The functions of wandb that are used; offline, it knows nothing of an earlier process."""

    class Error(Exception):
        pass

    def __init__(self):
        super().__init__("wandb")
        self.runs, self.offline, self.refuses = [], False, False

    def init(self, *, resume, **begun):
        if self.refuses:
            raise self.Error("No API key configured.\nUse `wandb login`")
        assert resume == "allow"
        known = [run for run in self.runs if run.begun["id"] == begun["id"]]
        if self.offline or not known:
            self.runs.append(Run(**begun))
            return self.runs[-1]
        return known[0]
