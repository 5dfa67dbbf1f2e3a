using System.Collections.Concurrent;
using System.Globalization;
using Distributed.Actors.Ports;
using Distributed.Node.Runs;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Node.Composition;

/// <summary>
/// Writes what the learner reports into the run folder and shows it, on a thread of its own. The evaluation of a version is merged into the
/// line of the step that made it.
/// </summary>
internal sealed class RunRecorder : IRunObserver, IDisposable
{
    private const int QueueLength = 4096;
    private static readonly TimeSpan LongestClose = TimeSpan.FromSeconds(30);

    private readonly RecorderSettings _settings;
    private readonly BlockingCollection<Action> _queue = new(QueueLength);
    private readonly Thread _writer;
    private readonly long _began;
    private readonly TaskCompletionSource<(RunEnded Ended, string? Error)> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StepReport? _pending;
    private bool _firstLife = true;
    private volatile bool _broken;

    /// <summary>A recorder; writing begins at once.</summary>
    public RunRecorder(RecorderSettings settings)
    {
        _settings = settings;
        _began = settings.Time.GetTimestamp();
        _writer = new Thread(WriteAll) { IsBackground = true, Name = "recorder" };
        _writer.Start();
    }

    /// <summary>Completes when the run is over, with the reason if it failed.</summary>
    public Task<(RunEnded Ended, string? Error)> Ended => _ended.Task;

    /// <inheritdoc/>
    public void OnStarted(PolicyVersion version, LearnerEpoch epoch) => Enqueue(() =>
    {
        if (!_firstLife)
        {
            _pending = null;
            _settings.Folder.Rewind(checked((int)version.Value));
        }

        _firstLife = false;
    });

    /// <inheritdoc/>
    public void OnStep(StepFinished step)
    {
        var activity = _settings.Activity.Take();
        var seconds = Seconds;
        Enqueue(() =>
        {
            Flush();
            var metrics = new Dictionary<string, double>(step.Metrics);
            foreach (var (name, value) in activity) metrics[name] = value;
            _pending = new StepReport(checked((int)step.Version.Value), _settings.TotalSteps, step.Version.Value, seconds, metrics);
            _settings.Display.Show(_pending);
            foreach (var rollout in Sample(step)) _settings.Folder.Append(TrajectoryText.Describe(step.Version.Value, rollout, _settings.Tokenizer));
        });
    }

    /// <inheritdoc/>
    public void OnSettled(StepSettled settled) => Enqueue(() => _settings.Folder.Append(settled));

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationFinished evaluation)
    {
        var seconds = Seconds;
        _settings.Activity.Take(); // an evaluation's work belongs to no step
        Enqueue(() =>
        {
            var metrics = _pending?.Version == evaluation.Version.Value
                ? new Dictionary<string, double>(_pending.Metrics)
                : new Dictionary<string, double>(evaluation.Version.Value == 0 ? _settings.Baseline : new Dictionary<string, double>());
            metrics[MetricNames.HeldOut] = evaluation.Success;
            foreach (var category in evaluation.Categories)
                metrics[MetricNames.HeldOutByCategory + category.Category] = category.Correct / (double)Math.Max(1, category.Questions);
            _pending = new StepReport(checked((int)evaluation.Version.Value), _settings.TotalSteps, evaluation.Version.Value, seconds, metrics);
            _settings.Display.Show(_pending);
            Flush();
        });
    }

    /// <inheritdoc/>
    public void OnNotice(string line) => Enqueue(() => _settings.Display.Notice(line));

    /// <inheritdoc/>
    public void OnEnded(RunEnded ended, string? error) => Enqueue(() =>
    {
        Flush();
        _ended.TrySetResult((ended, error));
    });

    /// <summary>Does something when all that was reported so far is written; false if the files cannot be written (any more).</summary>
    public bool AfterAllReported(Action then)
    {
        if (_broken) return false;
        Enqueue(then);
        return !_broken;
    }

    /// <summary>Writes what is waiting and closes.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        if (_writer.Join(LongestClose)) _queue.Dispose();
    }

    private double Seconds => _settings.SecondsBefore + _settings.Time.GetElapsedTime(_began).TotalSeconds;

    // Whole groups, so that a reader can compare a prompt's rollouts; which ones depends on the step alone.
    private IEnumerable<CreditedRollout> Sample(StepFinished step) => step.Rollouts
        .GroupBy(rollout => rollout.Trajectory.Slot.Group)
        .Take(_settings.GroupsPerStep)
        .SelectMany(group => group);

    private void Flush()
    {
        if (_pending != null) _settings.Folder.Append(_pending);
        _pending = null;
    }

    private void Enqueue(Action write)
    {
        if (_broken) return; // the run has ended for that reason already
        try
        {
            if (!_queue.TryAdd(write)) Break($"{_settings.Folder.Path}: {QueueLength} lines wait for the disk; it cannot keep up with the run");
        }
        catch (InvalidOperationException)
        {
            // Closed: the run is over and nobody reads late notices.
        }
    }

    private void WriteAll()
    {
        foreach (var write in _queue.GetConsumingEnumerable())
        {
            if (_broken) continue;
            try
            {
                write();
            }
            catch (Exception error)
            {
                Break(error is RefusedException ? error.Message : string.Create(CultureInfo.InvariantCulture, $"{_settings.Folder.Path}: cannot be written: {error.Message}"));
            }
        }
    }

    private void Break(string reason)
    {
        _broken = true;
        _ended.TrySetResult((new RunEnded(new PolicyVersion(-1), new LedgerTotals(0, 0, []), 0), reason));
    }
}

/// <summary>What a recorder needs.</summary>
internal sealed record RecorderSettings
{
    /// <summary>Where it writes.</summary>
    public required RunFolder Folder { get; init; }

    /// <summary>What it shows.</summary>
    public required IRunDisplay Display { get; init; }

    /// <summary>Turns tokens into text.</summary>
    public required ITokenizer Tokenizer { get; init; }

    /// <summary>How busy the engines are.</summary>
    public required ActivityMeter Activity { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Steps of the run.</summary>
    public required int TotalSteps { get; init; }

    /// <summary>Groups of every step whose trajectories are kept.</summary>
    public required int GroupsPerStep { get; init; }

    /// <summary>Seconds earlier lives of the run took.</summary>
    public double SecondsBefore { get; init; }

    /// <summary>Metrics of step 0 that the run itself does not measure: the untrained policy's.</summary>
    public IReadOnlyDictionary<string, double> Baseline { get; init; } = new Dictionary<string, double>();
}
