using Distributed.Engine.Model;

namespace Distributed.Engine.Generation;

/// <summary>The turns under way and what a step of all of them needs.</summary>
internal sealed class TurnBatch : IPhasedWork, IDisposable
{
    /// <summary>A common beginning shorter than this is not worth a step's delay.</summary>
    private const int ShortestShared = 8;

    private readonly PackedModel _model;
    private readonly KeyValueLayout _layout;
    private readonly StepTeam _team;
    private readonly DecoderBatch _batch;
    private readonly TokenSampler[] _samplers;
    private readonly List<Turn> _fed = [];
    private readonly List<int> _counts = [];
    private readonly List<Turn> _sampling = [];
    private long _tokensSampled;
    private long _tokensFed;

    /// <summary>A batch without turns.</summary>
    public TurnBatch(PackedModel model, KeyValueLayout layout, StepTeam team, GenerationBounds bounds)
    {
        (_model, _layout, _team) = (model, layout, team);
        _batch = new DecoderBatch(model, layout, team, bounds.BatchRows, bounds.BatchTurns);
        _samplers = new TokenSampler[team.Threads];
        for (var thread = 0; thread < team.Threads; thread++)
            _samplers[thread] = new TokenSampler(model.Config.VocabularySize);
    }

    /// <summary>Turns under way.</summary>
    public List<Turn> Turns { get; } = [];

    /// <summary>Turns that have ended and are not answered yet.</summary>
    public List<Turn> Ended { get; } = [];

    /// <summary>Tokens sampled so far; safe to read from any thread.</summary>
    public long TokensSampled => Volatile.Read(ref _tokensSampled);

    /// <summary>Tokens run through the model without having been sampled by the same request; safe to read from any thread.</summary>
    public long TokensFed => Volatile.Read(ref _tokensFed);

    /// <summary>
    /// Takes a turn that has begun. If nothing of it is cached but an earlier turn begins with the same tokens, as the rollouts of one prompt do, it
    /// waits until that one has been fed them, and copies.
    /// </summary>
    public void Add(Turn turn)
    {
        var cache = turn.Cache;
        for (var i = 0; i < Turns.Count && cache.Cached == 0; i++)
        {
            // The last token is always run: its logits are wanted.
            var shared = Math.Min(cache.Tokens.CommonPrefixLength(Turns[i].Cache.Tokens), cache.Length - 1);
            if (shared >= ShortestShared && shared > turn.SharedTokens)
                (turn.Leader, turn.SharedTokens) = (Turns[i], shared);
        }

        Turns.Add(turn);
    }

    /// <summary>One token for every turn that has been fed all of its tokens, and more feeding for the others.</summary>
    public void Step()
    {
        Share();
        Plan();
        _batch.Run();
        for (var i = 0; i < _fed.Count; i++)
            _fed[i].Cache.MarkCached(_counts[i]);
        Share();
        _team.Run(this, _sampling.Count);
        Volatile.Write(ref _tokensSampled, _tokensSampled + _sampling.Count);
    }

    void IPhasedWork.Do(int chunk, int thread, long phase) =>
        _sampling[chunk].Sample(_samplers[thread], _batch.Logits(chunk), _model.Config.EndTokens, _model.ContextLength);

    public void Dispose()
    {
        _batch.Dispose();
        foreach (var sampler in _samplers)
            sampler.Dispose();
    }

    private void Plan()
    {
        _batch.Clear();
        _fed.Clear();
        _counts.Clear();
        _sampling.Clear();
        foreach (var turn in Turns)
        {
            if (turn.Leader is null)
                _fed.Add(turn);
        }

        // One row each, and what is spare to whoever has more to be fed, first come first served.
        var spare = _batch.MaxRows - _fed.Count;
        foreach (var turn in _fed)
        {
            var waiting = turn.Cache.Length - turn.Cache.Cached;
            var count = 1 + Math.Min(waiting - 1, spare);
            spare -= count - 1;
            _counts.Add(count);
            _batch.Add(turn.Cache, count, wantsLogits: count == waiting);
            if (count == waiting)
                _sampling.Add(turn);
            if (turn.Count == 0)
                Volatile.Write(ref _tokensFed, _tokensFed + count);
        }
    }

    // Before a step for leaders that were ahead already, and after it for those that may end with it. Leaders come before their followers.
    private void Share()
    {
        foreach (var turn in Turns)
        {
            if (turn.Leader is null || turn.Leader.Cache.Cached < turn.SharedTokens)
                continue;
            turn.Cache.CopyFrom(turn.Leader.Cache, turn.SharedTokens, _layout);
            turn.Leader = null;
        }
    }
}
