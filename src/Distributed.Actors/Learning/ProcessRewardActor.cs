// ProcessReward: the implicit process reward model of a run (iStar 2509.19199).
// Owns: its engine's weights and optimizer during one life of the learner.
// Promises: every batch is answered by exactly one Rewarded, by a model that has learnt from it before (as the method has it); a loss or gradient that is not
// finite changes nothing, is said, and the model as it was rewards the batch. A State is of the time between the batches
// before and after it was wanted.
// May lose: what it learnt since the newest checkpoint, with the learner, which waits for it under the coordinator's stall time-out.
// Restarted by: nobody alone; it is the learner's child and its crash is the learner's.
using Akka.Actor;
using Distributed.Actors.Coordination;
using Distributed.Credit;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>Trains the process reward model on a batch's preferences, then rewards the batch's turns.</summary>
public sealed class ProcessRewardActor : UntypedActor
{
    private readonly LearnerLife _life;
    private readonly IPolicyEngine _engine;
    private readonly ProcessRewardOptions _options;
    private readonly ReadOnlyMemory<byte> _kept;
    private (TrainBatch Batch, PreferenceBatch Preferences)? _work;
    private PreferenceStep? _learnt;
    private int _epochs;
    private ReadOnlyMemory<byte> _weights; // read for the state that is wanted

    /// <summary>A model that goes on from <paramref name="kept"/>, or begins at the engine's own weights if that is empty.</summary>
    public ProcessRewardActor(LearnerLife life, IPolicyEngine engine, ProcessRewardOptions options, ReadOnlyMemory<byte> kept) =>
        (_life, _engine, _options, _kept) = (life, engine, options, kept);

    /// <summary>Learn from this batch and reward it.</summary>
    public sealed record Reward(TrainBatch Batch) : INoSerializationVerificationNeeded;

    /// <summary>The answer to <see cref="Reward"/>.</summary>
    public sealed record Rewarded(TrainBatch Batch, ProcessRewards Rewards) : INoSerializationVerificationNeeded;

    /// <summary>What a checkpoint of this version keeps is wanted.</summary>
    public sealed record StateWanted(PolicyVersion Version) : INoSerializationVerificationNeeded;

    /// <summary>The answer to <see cref="StateWanted"/>.</summary>
    public sealed record State(PolicyVersion Version, ReadOnlyMemory<byte> Bytes) : INoSerializationVerificationNeeded;

    private sealed record Loaded(EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record Scored(LogProbsReply Reply) : INoSerializationVerificationNeeded;

    private sealed record Trained(TrainReply Reply) : INoSerializationVerificationNeeded;

    private sealed record WeightsRead(ReadOnlyMemory<byte> Weights, EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record OptimizerRead(PolicyVersion Version, OptimizerState? Optimizer, EngineError? Error) : INoSerializationVerificationNeeded;

    // The engine keeps the order of what it is asked, so that the first batch need not wait for these.
    /// <inheritdoc/>
    protected override void PreStart()
    {
        var self = Self;
        var state = _kept.IsEmpty ? new ProcessRewardState(_life.Settings.InitialWeights, new OptimizerState(0, default, default)) : ProcessRewardState.Decode(_kept);
        _engine.LoadOptimizer(state.Optimizer.Step == 0 ? null : state.Optimizer, error => self.Tell(new Loaded(error)));
        _engine.LoadWeights(_life.Start.Value, state.Weights, error => self.Tell(new Loaded(error)));
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _life.Settings.Tap.Before("process-reward", message);
        switch (message)
        {
            case Reward reward: OnReward(reward.Batch); break;
            case Loaded loaded: Require(loaded.Error); break;
            case Scored scored: Require(scored.Reply.Error); OnScored(scored.Reply.LogProbs); break;
            case Trained trained: Require(trained.Reply.Error); OnTrained(trained.Reply); break;
            case StateWanted wanted: OnStateWanted(wanted); break;
            case WeightsRead read: Require(read.Error); _weights = read.Weights; break;
            case OptimizerRead read:
                Require(read.Error);
                Context.Parent.Tell(new State(read.Version, new ProcessRewardState(_weights, read.Optimizer!).Encode()));
                break;
            default: Unhandled(message); break;
        }
    }

    private void OnReward(TrainBatch batch)
    {
        (_work, _learnt, _epochs) = ((batch, new PreferenceBatch(batch, _options.Beta)), null, 0);
        AskLogProbs();
    }

    private void AskLogProbs()
    {
        var self = Self;
        _engine.LogProbs(_work!.Value.Preferences.Sequences, reply => self.Tell(new Scored(reply)));
    }

    // Log-probabilities are asked for before every optimizer step, for the slopes there, and once after the last, for the rewards.
    private void OnScored(IReadOnlyList<ReadOnlyMemory<float>> logProbs)
    {
        var (batch, preferences) = _work!.Value;
        if (_epochs < _options.Epochs)
        {
            var loss = preferences.Loss(logProbs);
            _learnt ??= loss;
            if (preferences.Step(loss, Optimizer(batch)) is { } request)
            {
                var self = Self;
                _engine.Train(request, reply => self.Tell(new Trained(reply)));
                return;
            }
        }

        _work = null;
        Context.Parent.Tell(new Rewarded(batch, preferences.Rewards(logProbs, _learnt!)));
    }

    private OptimizerOptions Optimizer(TrainBatch batch)
    {
        var policy = _life.Settings.Learning.Optimizer(batch.Version.Value + 1);
        return _options.LearningRate is { } rate ? policy with { LearningRate = (float)rate } : policy;
    }

    private void OnTrained(TrainReply reply)
    {
        _epochs++;
        if (!reply.Applied)
        {
            _epochs = _options.Epochs;
            _life.Observer.OnNotice($"the process reward model's loss {reply.Loss} or gradient {reply.GradNorm} is not finite; its update is skipped and its weights stay");
        }

        AskLogProbs();
    }

    // Both are asked for at once, before anything the next batch asks, and the engine keeps the order.
    private void OnStateWanted(StateWanted wanted)
    {
        var self = Self;
        _engine.ReadWeights((weights, error) => self.Tell(new WeightsRead(weights, error)));
        _engine.ReadOptimizer((optimizer, error) => self.Tell(new OptimizerRead(wanted.Version, optimizer, error)));
    }

    private static void Require(EngineError? error)
    {
        if (error != null) throw new InvalidOperationException($"the process reward model: {error.Message}");
    }
}
