using Distributed.Actors.Ports;
using Distributed.Protocol;
using Distributed.Simulation.Host;

namespace Distributed.Simulation.Scaling;

/// <summary>Counts what a scaling run trains, from its first step on.</summary>
internal sealed class ScalingMeter(SimulationHost host) : IRunObserver
{
    /// <summary>The run has ended.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; private set; }

    /// <summary>Version that stands.</summary>
    public long Version { get; private set; }

    /// <summary>Steps trained, those done again counted every time.</summary>
    public long StepsTrained { get; private set; }

    /// <summary>When the first step ended.</summary>
    public TimeSpan Since { get; private set; }

    /// <summary>Rollouts trained on after the first step.</summary>
    public long Rollouts { get; private set; }

    /// <summary>Tokens of those.</summary>
    public double Tokens { get; private set; }

    /// <summary>Ages of those, versions.</summary>
    public double AgeSum { get; private set; }

    /// <summary>Greatest age.</summary>
    public long AgeMax { get; private set; }

    /// <summary>How many rollouts of each age were trained on.</summary>
    public SortedDictionary<long, long> Ages { get; } = [];

    /// <summary>Rollouts dropped.</summary>
    public long Dropped { get; private set; }

    /// <summary>Called when the first step has ended.</summary>
    public Action FirstStep { get; set; } = static () => { };

    public void OnStarted(PolicyVersion version, LearnerEpoch epoch) => Version = version.Value;

    public void OnStep(StepFinished step)
    {
        Version = step.Version.Value;
        if (StepsTrained++ == 0)
        {
            Since = host.Now;
            FirstStep();
            return;
        }

        foreach (var rollout in step.Rollouts)
        {
            var trajectory = rollout.Trajectory;
            Rollouts++;
            Tokens += CostWorld.TokensOf(trajectory.PromptTokens);
            foreach (var turn in trajectory.Turns) Tokens += CostWorld.TokensOf(turn.Tokens) + CostWorld.TokensOf(turn.ObservationTokens);
            var age = step.Version.Value - 1 - trajectory.OldestVersion.Value;
            AgeSum += age;
            AgeMax = Math.Max(AgeMax, age);
            Ages[age] = Ages.GetValueOrDefault(age) + 1;
        }
    }

    public void OnEvaluation(EvaluationFinished evaluation) { }

    public void OnNotice(string line) { }

    public void OnEnded(RunEnded ended, string? error)
    {
        (IsOver, Error) = (true, error);
        Dropped = ended.Totals.Dropped.Values.Sum();
    }
}
