namespace Distributed.Node.Runs;

/// <summary>An episode as people read it; a line of trajectories.jsonl.</summary>
/// <param name="Step">The step that trained on it.</param>
/// <param name="Group">Its group's place in the run.</param>
/// <param name="Sample">Its place in the group.</param>
/// <param name="ProblemId">The environment's name of the problem.</param>
/// <param name="Category">The problem's category.</param>
/// <param name="Prompt">What the agent was asked.</param>
/// <param name="GoldenAnswers">The accepted answers.</param>
/// <param name="Outcome">How it ended: correct, wrong, malformed, turns_exhausted or truncated.</param>
/// <param name="Reward">Its outcome reward.</param>
/// <param name="Version">The oldest policy version that sampled a part of it.</param>
/// <param name="Turns">What the agent wrote and read.</param>
public sealed record TrajectoryRecord(
    int Step,
    long Group,
    int Sample,
    string ProblemId,
    string Category,
    string Prompt,
    IReadOnlyList<string> GoldenAnswers,
    string Outcome,
    double Reward,
    long Version,
    IReadOnlyList<TrajectoryTurn> Turns);

/// <summary>One turn.</summary>
/// <param name="Action">What the agent wrote.</param>
/// <param name="Observation">What it read then; null after the last turn.</param>
/// <param name="Tokens">Tokens it sampled.</param>
/// <param name="InformationGain">By how much the turn raised the probability of the right answer; null where it was not measured.</param>
/// <param name="Advantage">What its tokens were trained with; null if the trajectory was not trained on.</param>
/// <param name="ClipScale">Factor on its clipping range; null if it has none.</param>
/// <param name="ToolError">The tool failed or found nothing.</param>
public sealed record TrajectoryTurn(
    string Action,
    string? Observation,
    int Tokens,
    double? InformationGain,
    double? Advantage,
    double? ClipScale,
    bool ToolError)
{
    /// <summary>Its reward by a process reward model; null without one.</summary>
    public double? ProcessReward { get; init; }
}
