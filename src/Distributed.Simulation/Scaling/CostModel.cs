using System.Text.Json.Serialization;
using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Credit;
using Distributed.Ports;

namespace Distributed.Simulation.Scaling;

/// <summary>
/// What work costs, given or measured. The defaults are assumptions for a 7-billion-parameter policy on 8-GPU nodes, no measurement: replace them by what your nodes do.
/// </summary>
public sealed record CostModel
{
    /// <summary>Episodes at once on a rollout node.</summary>
    public int EpisodesPerNode { get; init; } = 32;

    /// <summary>Tokens a second a rollout node samples in all.</summary>
    public double RolloutTokensPerSecond { get; init; } = 2400;

    /// <summary>Most tokens a second of one episode.</summary>
    public double EpisodeTokensPerSecond { get; init; } = 90;

    /// <summary>Tokens a second a rollout node reads (prompts and tool replies).</summary>
    public double PrefillTokensPerSecond { get; init; } = 20_000;

    /// <summary>Tokens a second a scorer reads.</summary>
    public double ScoreTokensPerSecond { get; init; } = 20_000;

    /// <summary>Tokens a second the learner trains.</summary>
    public double TrainTokensPerSecond { get; init; } = 12_000;

    /// <summary>Mean turns of an episode.</summary>
    public double MeanTurns { get; init; } = 4;

    /// <summary>Most turns of an episode.</summary>
    public int MaxTurns { get; init; } = 12;

    /// <summary>Median tokens of a turn.</summary>
    public double TurnTokens { get; init; } = 250;

    /// <summary>Spread of the tokens of a turn: standard deviation of their logarithm.</summary>
    public double TurnTokensSigma { get; init; } = 0.7;

    /// <summary>Tokens of a prompt.</summary>
    public int PromptTokens { get; init; } = 500;

    /// <summary>Tokens of a tool's reply.</summary>
    public int ReplyTokens { get; init; } = 400;

    /// <summary>Median seconds of a tool call.</summary>
    public double ToolSeconds { get; init; } = 1.5;

    /// <summary>Spread of the tool's seconds: standard deviation of their logarithm.</summary>
    public double ToolSigma { get; init; } = 0.8;

    /// <summary>Bytes of a version's weights.</summary>
    public double WeightBytes { get; init; } = 15.2e9;

    /// <summary>Bytes a second one node can send.</summary>
    public double UplinkBytesPerSecond { get; init; } = 12.5e9;

    /// <summary>Bytes a second one node can receive from one other.</summary>
    public double LinkBytesPerSecond { get; init; } = 3.1e9;

    /// <summary>Seconds a message takes.</summary>
    public double LatencySeconds { get; init; } = 0.0005;

    /// <summary>Seconds an engine takes to load weights that are there.</summary>
    public double LoadSeconds { get; init; } = 3;

    /// <summary>Seconds a checkpoint takes.</summary>
    public double CheckpointSeconds { get; init; } = 30;

    /// <summary>Seconds a failed node takes to come back.</summary>
    public double RestartSeconds { get; init; } = 180;

    /// <summary>What makes the model impossible, or null.</summary>
    public string? Fault()
    {
        (string Name, double Value)[] positive =
        [
            ("episodes_per_node", EpisodesPerNode), ("rollout_tokens_per_second", RolloutTokensPerSecond), ("episode_tokens_per_second", EpisodeTokensPerSecond),
            ("prefill_tokens_per_second", PrefillTokensPerSecond), ("score_tokens_per_second", ScoreTokensPerSecond), ("train_tokens_per_second", TrainTokensPerSecond),
            ("mean_turns", MeanTurns), ("max_turns", MaxTurns), ("turn_tokens", TurnTokens), ("weight_bytes", WeightBytes), ("uplink_bytes_per_second", UplinkBytesPerSecond),
            ("link_bytes_per_second", LinkBytesPerSecond), ("prompt_tokens", PromptTokens),
        ];
        foreach (var (name, value) in positive)
            if (!(value > 0) || !double.IsFinite(value)) return $"{name} {value}: give a number above 0";
        return MeanTurns > MaxTurns ? $"mean_turns {MeanTurns} is above max_turns {MaxTurns}" : null;
    }
}

/// <summary>How weights reach the nodes.</summary>
public enum WeightSpread
{
    /// <summary>Every node pulls from the learner.</summary>
    Star,

    /// <summary>The product's own protocol: the learner serves a few nodes, they serve the others (<see cref="Actors.Weights.WeightSpread"/>).</summary>
    Peers,

    /// <summary>An ideal broadcast tree: every range is sent by whoever can begin first. No protocol does better; it bounds what <see cref="Peers"/> could reach.</summary>
    Ideal,
}

/// <summary>One point of a scaling experiment.</summary>
public sealed record ScalingCase
{
    /// <summary>Rollout nodes.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Scorer nodes.</summary>
    public int Scorers { get; init; } = 1;

    /// <summary>Versions a sample may be behind.</summary>
    public int Staleness { get; init; }

    /// <summary>Prompts a step.</summary>
    public int PromptsPerStep { get; init; } = 32;

    /// <summary>Samples a prompt.</summary>
    public int GroupSize { get; init; } = 8;

    /// <summary>Updates a step.</summary>
    public int MiniBatches { get; init; } = 1;

    /// <summary>Steps the run has; it may end earlier by <see cref="Hours"/>.</summary>
    public long Steps { get; init; } = 10;

    /// <summary>Longest virtual time, hours.</summary>
    public double Hours { get; init; } = 1000;

    /// <summary>How weights are spread.</summary>
    public WeightSpread Spread { get; init; }

    /// <summary>Mean time between failures of one node, hours; 0: nothing fails.</summary>
    public double MtbfHours { get; init; }

    /// <summary>Steps between checkpoints; 0 only at the end.</summary>
    public long CheckpointEverySteps { get; init; } = 10;

    /// <summary>What draws durations and failures.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>What work costs.</summary>
    public CostModel Costs { get; init; } = new();

    /// <summary>Rollouts of a step.</summary>
    [JsonIgnore]
    public int RolloutsPerStep => PromptsPerStep * GroupSize;

    /// <summary>What the coordinator is told. Virtual nodes may be slow beyond measure: nothing is given up for being late.</summary>
    public CoordinatorOptions Coordinator() => new()
    {
        Seed = Seed,
        Steps = Steps,
        PromptsPerStep = PromptsPerStep,
        GroupSize = GroupSize,
        MaxStalenessSteps = Staleness,
        LeaseTimeoutMs = 4 * 3600 * 1000,
        StallTimeoutMs = 48 * 3600 * 1000,
        MaxAttempts = 1000,
    };

    /// <summary>What the learner is told; what it computes has no meaning, only a length.</summary>
    public LearningOptions Learning() => new()
    {
        Estimator = new A2tgpo(new A2tgpoOptions()),
        Loss = new PolicyLossOptions(PolicyLossKind.Turn),
        Optimizer = _ => new OptimizerOptions(1e-6f),
        MiniBatches = MiniBatches,
        CheckpointEverySteps = CheckpointEverySteps,
    };
}

/// <summary>What came of a case. Shares are of the time after the first step.</summary>
/// <param name="Case">The case.</param>
/// <param name="StepsDone">Steps that stand at the end.</param>
/// <param name="VirtualHours">How long it took.</param>
/// <param name="RolloutsPerHour">Rollouts trained on.</param>
/// <param name="TokensPerSecond">Tokens trained on, prompts and replies included.</param>
/// <param name="RolloutBusy">Part of the rollout nodes' episode places in use.</param>
/// <param name="ScorerBusy">Part of the time scorers score.</param>
/// <param name="LearnerBusy">Part of the time the learner trains.</param>
/// <param name="UploadBusy">Part of the time the learner sends weights.</param>
/// <param name="LearnerUploadBytes">Bytes the learner sent for each step.</param>
/// <param name="StalenessMean">Mean age of what was trained on, versions.</param>
/// <param name="StalenessMax">Greatest age.</param>
/// <param name="StalenessShares">How the ages are distributed: <c>0:12% 1:88%</c>.</param>
/// <param name="Dropped">Rollouts dropped, any reason.</param>
/// <param name="Failures">Node processes that died.</param>
/// <param name="StepsLost">Steps that had to be done again.</param>
/// <param name="Messages">Messages that actors handled.</param>
/// <param name="Trace">Hash of every message and when it was sent: the same case gives the same.</param>
public sealed record ScalingResult(
    ScalingCase Case, long StepsDone, double VirtualHours, double RolloutsPerHour, double TokensPerSecond, double RolloutBusy, double ScorerBusy, double LearnerBusy, double UploadBusy,
    double LearnerUploadBytes, double StalenessMean, long StalenessMax, string StalenessShares, long Dropped, long Failures, long StepsLost, long Messages, string Trace)
{
    /// <summary>What the run waits for most.</summary>
    public string Bottleneck
    {
        get
        {
            (string Name, double Busy)[] roles = [("rollout", RolloutBusy), ("scorers", ScorerBusy), ("learner", LearnerBusy), ("upload", UploadBusy)];
            var most = roles.MaxBy(role => role.Busy);
            return most.Busy < 0.5 ? "waiting for each other" : most.Name;
        }
    }

    /// <summary>Seconds a step takes after the first one, checkpoints included.</summary>
    public double SteadySecondsPerStep => Case.RolloutsPerStep * 3600 / RolloutsPerHour;

    /// <summary>Hours until so many steps are done, at the pace of this run: what was lost to failures included.</summary>
    public double HoursTo(long steps) => SecondsPerStep * steps / 3600;

    /// <summary>Seconds a step takes.</summary>
    public double SecondsPerStep => StepsDone == 0 ? double.NaN : VirtualHours * 3600 / StepsDone;
}
