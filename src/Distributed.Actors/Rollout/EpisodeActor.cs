// Episode: one episode of one lease. Generate a turn, let the environment take it, append the observation, repeat.
// Owns: the episode, its sequence in the engine and the record of what was sampled.
// Promises: exactly one EpisodeDone or EpisodeFailed to its parent, or a crash, which the parent sees by death watch. A tool that fails,
// hangs or lies is an observation. Tokens the policy did not sample are never recorded as sampled.
// May lose: everything, with the lease; a re-issued lease samples the same tokens again.
// Restarted by: nobody; the parent reports the lease as failed.
using Akka.Actor;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Rollout;

/// <summary>Plays one episode.</summary>
public sealed class EpisodeActor : UntypedActor, IWithTimers
{
    private readonly RolloutSettings _settings;
    private readonly RolloutLeaseGranted _lease;
    private readonly long _sequence;
    private readonly List<TurnRecord> _turns = [];
    private readonly int[] _promptTokens;
    private readonly Problem _problem;
    private readonly IEpisode _episode;
    private int _contextTokens;
    private GenerateReply? _turn;

    /// <summary>An episode for a lease, under an engine sequence of its own.</summary>
    public EpisodeActor(RolloutSettings settings, RolloutLeaseGranted lease, long sequence)
    {
        _settings = settings;
        _lease = lease;
        _sequence = sequence;
        _problem = settings.Environment.GetProblem(lease.Job.HeldOut ? Split.HeldOut : Split.Train, lease.Job.ProblemIndex);
        _promptTokens = settings.Tokenizer.Encode(_problem.Prompt);
        _episode = settings.Environment.Start(_problem); // last: PostStop ends it, and does not run if this constructor throws
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The episode is over.</summary>
    public sealed record EpisodeDone(LearnerEpoch Epoch, LeaseId Lease, Trajectory Trajectory) : INoSerializationVerificationNeeded;

    /// <summary>The episode could not be played.</summary>
    public sealed record EpisodeFailed(LearnerEpoch Epoch, LeaseId Lease, string Reason) : INoSerializationVerificationNeeded;

    private sealed record Sampled(GenerateReply Reply) : INoSerializationVerificationNeeded;

    private sealed record Stepped(int Turn, StepResult Result) : INoSerializationVerificationNeeded;

    private sealed class LeaseLate : INoSerializationVerificationNeeded
    {
        public static LeaseLate Instance { get; } = new();
    }

    private EnvironmentFormat Format => _settings.Environment.Format;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Timers.StartSingleTimer(nameof(LeaseLate), LeaseLate.Instance, TimeSpan.FromMilliseconds(_lease.TimeoutMs));
        if (Fits(_promptTokens)) Generate(_promptTokens);
        else Fail($"the prompt of problem {_problem.Id} has {_promptTokens.Length} tokens, the engine's context {_settings.Engine.Limits.ContextLength}");
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _settings.Engine.Release(_sequence);
        _settings.Episodes.End(_episode);
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _settings.Tap.Before("episode", message);
        switch (message)
        {
            case Sampled sampled: OnSampled(sampled.Reply); break;
            case Stepped stepped: if (_turn != null && stepped.Turn == _turns.Count) OnStepped(stepped.Result); break;
            case LeaseLate: Fail("the lease's time is over"); break;
            default: Unhandled(message); break;
        }
    }

    // With room for at least one sampled token.
    private bool Fits(int[] append) => _contextTokens + append.Length < _settings.Engine.Limits.ContextLength;

    private void Generate(int[] append)
    {
        _contextTokens += append.Length;
        var self = Self;
        var sampling = _lease.Job.Greedy ? SamplingOptions.Greedy : _settings.Sampling;
        var seed = Seeds.Derive(_lease.Job.Seed, "turn", _turns.Count);
        _settings.Engine.Generate(
            new GenerateRequest(_sequence, append, sampling, seed, Format.MaxTurnTokens, Format.StopStrings) { PartialRollout = _settings.PartialRollout && !_lease.Job.Greedy },
            reply => self.Tell(new Sampled(reply)));
    }

    private void OnSampled(GenerateReply reply)
    {
        if (reply.Finish == FinishReason.Failed)
        {
            Fail(reply.Error?.Message ?? "the engine failed");
            return;
        }

        _turn = reply;
        _contextTokens += reply.Tokens.Length;
        if (reply.Finish != FinishReason.Stop)
        {
            EndTurn([], toolError: false);
            Finish(EpisodeEnd.Truncated, Format.Rewards.Truncated);
            return;
        }

        var (self, turn) = (Self, _turns.Count);
        var action = _settings.Tokenizer.Decode(reply.Tokens.Span);
        _settings.Episodes.Step(_episode, action, Format.ToolTimeLimit, result => self.Tell(new Stepped(turn, result)));
    }

    private void OnStepped(StepResult result)
    {
        switch (result)
        {
            case StepResult.Finished finished:
                EndTurn([], toolError: false);
                if (double.IsFinite(finished.Reward)) Finish((EpisodeEnd)(int)finished.Outcome, finished.Reward);
                else Fail($"the environment gave problem {_problem.Id} the reward {finished.Reward}; a reward is a finite number");
                break;
            case StepResult.Observation when _turns.Count + 1 >= Format.MaxTurns:
                EndTurn([], toolError: false);
                Finish(EpisodeEnd.TurnsExhausted, Format.Rewards.TurnsExhausted);
                break;
            case StepResult.Observation observation:
                var tokens = _settings.Tokenizer.Encode(observation.Text);
                var fits = Fits(tokens);
                EndTurn(fits ? tokens : [], observation.ToolError); // the final turn has no observation
                if (fits) Generate(tokens);
                else Finish(EpisodeEnd.Truncated, Format.Rewards.Truncated);
                break;
            default:
                throw new InvalidOperationException($"step result {result.GetType().Name} is unknown");
        }
    }

    private void EndTurn(int[] observation, bool toolError)
    {
        var turn = _turn!;
        _turns.Add(new TurnRecord(
            turn.Tokens.ToArray(), turn.LogProbs.ToArray(), new PolicyVersion(turn.Version), observation, toolError,
            turn.ModelLogProbs.Span.SequenceEqual(turn.LogProbs.Span) ? null : turn.ModelLogProbs.ToArray(),
            turn.Versions.Count < 2 ? null : [.. turn.Versions.Select(run => new SampledRun(new PolicyVersion(run.Version), run.Tokens))]));
        _turn = null;
    }

    private void Finish(EpisodeEnd end, double reward)
    {
        Context.Parent.Tell(new EpisodeDone(_lease.Epoch, _lease.Lease, new Trajectory(
            _lease.Job.Slot, _problem.Id, _problem.Category, [.. _problem.GoldenAnswers], _promptTokens, [.. _turns], end, reward)));
        Context.Stop(Self);
    }

    private void Fail(string reason)
    {
        Context.Parent.Tell(new EpisodeFailed(_lease.Epoch, _lease.Lease, reason));
        Context.Stop(Self);
    }
}
