using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Fakes;

/// <summary>What an observer of a run saw; steps of a life that a later one has replaced are forgotten.</summary>
public sealed class RunRecord : IRunObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _ended = new();
    private readonly List<StepFinished> _steps = [];
    private readonly List<EvaluationFinished> _evaluations = [];
    private readonly List<string> _notices = [];
    private int _ends;

    public IReadOnlyList<StepFinished> Steps { get { lock (_gate) return [.. _steps]; } }

    public IReadOnlyList<EvaluationFinished> Evaluations { get { lock (_gate) return [.. _evaluations]; } }

    public IReadOnlyList<string> Notices { get { lock (_gate) return [.. _notices]; } }

    public RunEnded? Ended { get; private set; }

    public string? Error { get; private set; }

    public int Lives { get; private set; }

    /// <summary>What happened after the end was reported; must stay empty.</summary>
    public string? AfterEnd { get; private set; }

    public Action<StepFinished>? OnEveryStep { get; set; }

    public bool Wait(TimeSpan limit) => _ended.Wait(limit);

    public void OnStarted(PolicyVersion version, LearnerEpoch epoch)
    {
        lock (_gate)
        {
            Lives++;
            _steps.RemoveAll(step => step.Version.Value > version.Value);
            _evaluations.RemoveAll(evaluation => evaluation.Version.Value >= version.Value);
            if (_ends > 0) AfterEnd = $"life {epoch.Value} began";
        }
    }

    public void OnStep(StepFinished step)
    {
        lock (_gate)
        {
            _steps.Add(step);
            if (_ends > 0) AfterEnd = $"step {step.Version.Value}";
        }

        OnEveryStep?.Invoke(step);
    }

    public void OnEvaluation(EvaluationFinished evaluation)
    {
        lock (_gate) _evaluations.Add(evaluation);
    }

    public void OnNotice(string line)
    {
        lock (_gate) _notices.Add(line);
    }

    public void OnEnded(RunEnded ended, string? error)
    {
        lock (_gate)
        {
            if (++_ends > 1) AfterEnd = "the end was reported twice";
            (Ended, Error) = (ended, error);
        }

        _ended.Set();
    }

    public void Dispose() => _ended.Dispose();
}
