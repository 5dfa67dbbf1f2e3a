namespace Distributed.Actors.Coordination;

/// <summary>What the coordinator must know of a run.</summary>
public sealed record CoordinatorOptions
{
    /// <summary>Seed of the run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Learner steps of the run.</summary>
    public required long Steps { get; init; }

    /// <summary>Groups (prompts) consumed by each step, B.</summary>
    public required int PromptsPerStep { get; init; }

    /// <summary>Rollouts of each prompt, G.</summary>
    public required int GroupSize { get; init; }

    /// <summary>How many versions older than the trained one a sample may be; 0 is synchronous training.</summary>
    public int MaxStalenessSteps { get; init; }

    /// <summary>Whether trajectories with tool turns go to a scorer before they are trained on.</summary>
    public bool NeedsScores { get; init; } = true;

    /// <summary>Problems of the training split; they are walked through in a new shuffled order every epoch.</summary>
    public long TrainProblems { get; init; } = long.MaxValue;

    /// <summary>Held-out questions of an evaluation; 0 evaluates never.</summary>
    public int EvaluationQuestions { get; init; }

    /// <summary>Held-out questions of the evaluation after the last step; 0: as many as of the others.</summary>
    public int FinalEvaluationQuestions { get; init; }

    /// <summary>Evaluate before the first step, after every so many and after the last; 0 only before the first and after the last.</summary>
    public long EvaluationEverySteps { get; init; }

    /// <summary>How long a worker may hold a lease, milliseconds; then the job is issued again.</summary>
    public int LeaseTimeoutMs { get; init; } = 60_000;

    /// <summary>How often deadlines are looked at, milliseconds.</summary>
    public int TickMs { get; init; } = 1_000;

    /// <summary>How often a job is tried before its slot is given up.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>After so many attempts in vain a job is done by a worker that does nothing else meanwhile.</summary>
    public int SuspectAfter { get; init; } = 2;

    /// <summary>Without any progress for this long, milliseconds, the coordinator says who waits for what.</summary>
    public int StallTimeoutMs { get; init; } = 120_000;

    /// <summary>End the run at a stall instead of only saying so.</summary>
    public bool AbortOnStall { get; init; } = true;
}
