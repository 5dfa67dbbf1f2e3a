using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// The held-out questions of one version: each is answered once, greedily, by exactly that version. Their slots are (-1 - version, question), which no
/// training rollout has.
/// </summary>
public sealed class EvaluationRound
{
    private readonly Trajectory?[] _answers;
    private readonly int[] _attempts;
    private readonly bool[] _givenUp;
    private readonly SortedSet<int> _waiting = [];
    private readonly SortedSet<int> _suspects = []; // tried in vain so often that they are taken by themselves
    private readonly int _suspectAfter;

    /// <summary>A round over questions 0..<paramref name="questions"/>-1; one tried in vain <paramref name="suspectAfter"/> times is a suspect (<see cref="LeaseGranting"/>).</summary>
    public EvaluationRound(PolicyVersion version, int questions, int suspectAfter)
    {
        Version = version;
        _suspectAfter = suspectAfter;
        _answers = new Trajectory?[questions];
        _attempts = new int[questions];
        _givenUp = new bool[questions];
        OpenCount = questions;
        for (var question = 0; question < questions; question++) _waiting.Add(question);
    }

    /// <summary>Whether a slot is a held-out question's.</summary>
    public static bool Owns(Slot slot) => slot.Group < 0;

    /// <summary>The version that is evaluated.</summary>
    public PolicyVersion Version { get; }

    /// <summary>Questions without an answer yet.</summary>
    public int OpenCount { get; private set; }

    /// <summary>Every question is answered or given up.</summary>
    public bool IsDone => OpenCount == 0;

    /// <summary>Questions given up; they count as wrong.</summary>
    public int Failed => _givenUp.Count(givenUp => givenUp);

    /// <summary>The answered questions' episodes, in order.</summary>
    public IReadOnlyList<Trajectory> Trajectories => [.. _answers.OfType<Trajectory>()];

    /// <summary>Questions nobody works on.</summary>
    public int WaitingCount => _waiting.Count + _suspects.Count;

    /// <summary>Whether a suspect waits.</summary>
    public bool HasSuspects => _suspects.Count > 0;

    /// <summary>Takes the next question nobody works on; null if there is none.</summary>
    /// <param name="suspect">Take a suspect, or else one of the others.</param>
    public Slot? Next(bool suspect)
    {
        var waiting = suspect ? _suspects : _waiting;
        if (waiting.Count == 0) return null;
        var question = waiting.Min;
        waiting.Remove(question);
        return new Slot(Group, question);
    }

    /// <summary>How often a question was tried in vain.</summary>
    public int Attempt(Slot slot) => _attempts[slot.Sample];

    /// <summary>Whether a question still needs an answer.</summary>
    public bool IsOpen(Slot slot) =>
        slot.Group == Group && slot.Sample >= 0 && slot.Sample < _answers.Length && _answers[slot.Sample] == null && !_givenUp[slot.Sample];

    /// <summary>What is wrong with an answer to this round, or null: another version gave it.</summary>
    public string? Fault(Trajectory trajectory) => trajectory.Slot.Group == Group && trajectory.Turns.Any(turn => turn.Version != Version || turn.OldestVersion != Version)
        ? $"held-out episode {trajectory.Slot.Sample} was not sampled by version {Version.Value} alone"
        : null;

    /// <summary>Takes an answer; false if the question needs none.</summary>
    public bool Complete(Slot slot, Trajectory trajectory)
    {
        if (!IsOpen(slot)) return false;
        _answers[slot.Sample] = trajectory;
        _waiting.Remove(slot.Sample);
        _suspects.Remove(slot.Sample);
        OpenCount--;
        return true;
    }

    /// <summary>
    /// A lease brought no answer: the question waits again (true) or, after <paramref name="maxAttempts"/> attempts, is given up (false).
    /// Null: no attempt was made.
    /// </summary>
    public bool Return(Slot slot, int? maxAttempts)
    {
        if (!IsOpen(slot)) return true;
        if (maxAttempts == null || ++_attempts[slot.Sample] < maxAttempts)
        {
            (_attempts[slot.Sample] >= _suspectAfter ? _suspects : _waiting).Add(slot.Sample);
            return true;
        }

        _givenUp[slot.Sample] = true;
        OpenCount--;
        return false;
    }

    private long Group => -1 - Version.Value;
}
