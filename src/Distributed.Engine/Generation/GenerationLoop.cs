using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>
/// Continuous batching: all turns under way go on token by token together, new turns come in and ended ones go between any two tokens.
/// Who sits beside whom, and which thread works out what, changes no result, so no order is promised.
/// </summary>
/// <remarks>All members but <see cref="Run"/> are called with the lock held that was given at the start.</remarks>
internal sealed class GenerationLoop : IDisposable
{
    private readonly object _gate;
    private readonly ModelConfig _config;
    private readonly int _contextLength;
    private readonly GenerationBounds _bounds;
    private readonly CacheFit _fit;
    private readonly IPageStore _pages;
    private readonly StepTeam _team;
    private readonly TurnBatch _batch;
    private readonly List<Turn> _ended = [];
    private readonly Action<Turn> _answer;
    private readonly Dictionary<long, SequenceSlot> _sequences = [];
    private readonly KeptCaches _kept;
    private readonly Queue<Turn> _ready = new();
    private int _pending;
    private int _pinned;
    private bool _paused;

    /// <summary>A loop over a model.</summary>
    /// <param name="gate">The lock that guards the loop's state.</param>
    /// <param name="config">The model's.</param>
    /// <param name="contextLength">Longest sequence.</param>
    /// <param name="bounds">Bounds.</param>
    /// <param name="pages">Where keys and values are kept; taken over.</param>
    /// <param name="team">The threads that will call <see cref="Run"/>.</param>
    /// <param name="batch">Works out logits; taken over.</param>
    /// <param name="fit">How many turns go on together.</param>
    /// <param name="answer">Takes ended turns, each once, without the lock.</param>
    public GenerationLoop(
        object gate, ModelConfig config, int contextLength, GenerationBounds bounds, IPageStore pages, StepTeam team, IStepBatch batch, CacheFit fit, Action<Turn> answer)
    {
        (_gate, _config, _contextLength, _bounds, _pages, _team, _fit, _answer) = (gate, config, contextLength, bounds, pages, team, fit, answer);
        _kept = new KeptCaches(_pages);
        _batch = new TurnBatch(config, contextLength, team, batch);
    }

    /// <summary>The version of the weights, as replies name it.</summary>
    public long Version { get; private set; }

    /// <summary>Counts changes of the weights; what was cached under another count is worked out anew.</summary>
    public long Epoch { get; private set; }

    /// <summary>True if any turn is ready, waiting or under way.</summary>
    public bool HasWork => _pending > 0;

    /// <summary>
    /// True if weights must not be swapped between two tokens now: a turn must be sampled by one version alone, or one has yet to sample its first token
    /// with this version, without which swaps that come fast would keep it from ever going on.
    /// </summary>
    public bool HasPinnedWork => _pinned > 0 || _batch.Turns.Exists(static turn => turn.OwesToken);

    /// <summary>Pause as soon as there is no pinned work: a change of weights waits for that.</summary>
    public bool PausesWhenUnpinned { get; set; }

    /// <summary>Open sequences.</summary>
    public int SequenceCount => _sequences.Count;

    /// <summary>Tokens sampled.</summary>
    public long TokensSampled => _batch.TokensSampled;

    /// <summary>Tokens fed (prompts, replies of tools, and what was worked out anew).</summary>
    public long TokensFed => _batch.TokensFed;

    /// <summary>Takes a turn in. It is answered exactly once, sooner or later.</summary>
    public void Add(Turn turn)
    {
        _pending++;
        _pinned += turn.Request.PartialRollout ? 0 : 1;
        var slot = SlotFor(turn);
        turn.Slot = slot;
        if (slot.IsBusy)
        {
            slot.Waiting.Enqueue(turn);
            return;
        }

        slot.IsBusy = true;
        _ready.Enqueue(turn);
        Monitor.PulseAll(_gate);
    }

    /// <summary>Forgets a sequence; its turns that have not ended fail.</summary>
    public void Release(long sequence)
    {
        if (!_sequences.Remove(sequence, out var slot))
            return;

        slot.IsReleased = true;
        if (!slot.IsUnderWay)
            _kept.Remember(slot, Epoch);
    }

    /// <summary>
    /// Notes that the weights are others now; nothing is running. Turns under way, which then all allow it, go on with them.
    /// </summary>
    public void ChangeWeights(long? version)
    {
        lock (_gate)
        {
            Epoch++;
            Version = version ?? Version;
            _kept.DropPrompts();
            for (var i = 0; i < _batch.Turns.Count; i++)
                GoOn(_batch.Turns[i], _batch.Turns.Take(i));
        }
    }

    /// <summary>Makes <see cref="Run"/> return between two tokens, their turns kept for the next run.</summary>
    public void Pause()
    {
        _paused = true;
        Monitor.PulseAll(_gate);
    }

    /// <summary>Lets turns go on again.</summary>
    public void Resume() => _paused = false;

    /// <summary>Fails every turn there is; nothing is running. The turns are handed to the caller to answer.</summary>
    public List<Turn> FailAll(string why)
    {
        var turns = new List<Turn>(_batch.Turns);
        _batch.Turns.Clear();
        turns.AddRange(_ready);
        _ready.Clear();
        foreach (var turn in turns.ToArray())
        {
            turns.AddRange(turn.Slot!.Waiting);
            turn.Slot.Waiting.Clear();
        }

        foreach (var turn in turns)
            turn.Fail(why);
        (_pending, _pinned) = (0, 0);
        return turns;
    }

    /// <summary>
    /// One thread's part: returns when no turn is left or the loop is paused, but not before one step. Called without the lock, one
    /// thread per index; thread 0 leads.
    /// </summary>
    public void Run(int thread)
    {
        if (thread > 0)
        {
            _team.Help(thread);
            return;
        }

        try
        {
            Lead();
        }
        finally
        {
            _team.Close();
        }
    }

    /// <summary>Called before the threads begin to <see cref="Run"/>.</summary>
    public void Open() => _team.Open();

    public void Dispose()
    {
        _batch.Dispose();
        _pages.Dispose();
    }

    private void Lead()
    {
        for (var isFirst = true; ; isFirst = false)
        {
            lock (_gate)
            {
                if (isFirst || !_paused)
                    TakeIn();
                if (_ended.Count == 0 && (_batch.Turns.Count == 0 || _paused && !isFirst))
                    return;
            }

            AnswerEnded();
            if (_batch.Turns.Count > 0)
                Step();
        }
    }

    private SequenceSlot SlotFor(Turn turn)
    {
        var sequence = turn.Request.Sequence;
        if (turn.Finish is null && _sequences.TryGetValue(sequence, out var slot))
            return slot;

        slot = new SequenceSlot(sequence);
        if (turn.Finish is null && _sequences.Count >= _bounds.MaxSequences)
            turn.Fail($"sequence {sequence}: {_bounds.MaxSequences} sequences are open, which is the most; release some or raise the bound");
        if (turn.Finish is null)
            _sequences.Add(sequence, slot);
        return slot;
    }

    private void Step()
    {
        try
        {
            _batch.Step();
        }
        catch (Exception error)
        {
            // Nothing of the step can be trusted: every turn in it fails, and what they cached is worked out anew.
            foreach (var turn in _batch.Turns)
            {
                turn.Cache.Distrust();
                turn.Fail($"sequence {turn.Request.Sequence}: generation failed ({error.GetType().Name}: {error.Message}); release it and start again");
            }
        }

        lock (_gate)
        {
            Share();
            foreach (var turn in _batch.Turns)
            {
                if (turn.Slot!.IsReleased && turn.Finish is null)
                    turn.Fail($"sequence {turn.Request.Sequence}: released while its request was under way");
                if (turn.Finish is not null)
                    End(turn, wasActive: true);
            }

            _batch.Turns.RemoveAll(turn => turn.Finish is not null);
            _paused |= PausesWhenUnpinned && !HasPinnedWork;
            foreach (var turn in _batch.Turns)
            {
                // A leader that was released, or failed, leaves its followers to themselves.
                if (turn.Leader?.Finish is not null)
                    turn.Leader = null;
            }
        }

        AnswerEnded();
    }

    private void TakeIn()
    {
        var positions = 0L;
        foreach (var turn in _batch.Turns)
            positions += turn.PositionsHalfway(_contextLength);
        while (_batch.Turns.Count < _bounds.BatchTurns && _ready.TryPeek(out var turn))
        {
            var together = positions + turn.PositionsHalfway(_contextLength);
            if (turn.Finish is null && !_fit.Admits(_batch.Turns.Count + 1, together))
                break;
            var started = turn.Finish is null && Start(turn);
            if (!started && turn.Finish is null)
                break;
            _ready.Dequeue();
            if (!started)
            {
                End(turn, wasActive: false);
                continue;
            }

            _batch.Turns.Add(turn);
            positions = together;
        }
    }

    /// <summary>Begins a turn if it is valid and there is memory; a turn that cannot begin ever has its finish set.</summary>
    private bool Start(Turn turn)
    {
        var (slot, cache) = (turn.Slot!, turn.Cache);
        if (slot.IsReleased)
            turn.Fail($"sequence {turn.Request.Sequence}: released before its request began");
        else if (RequestCheck.Complaint(turn.Request, cache.Length, _config.VocabularySize) is { } complaint)
            turn.Fail($"sequence {turn.Request.Sequence}: {complaint}");
        else if (cache.Length + turn.Request.Append.Length >= _contextLength)
            turn.EndForWantOfRoom(Version);
        if (turn.Finish is not null)
            return false;

        var append = turn.Request.Append.Span;
        var positions = (int)Math.Min(_contextLength, (long)cache.Length + append.Length + turn.Request.MaxNewTokens);
        if (KeyValueLayout.Pages(positions) > _pages.Capacity)
        {
            turn.Fail(RequestCheck.TooLarge(turn.Request.Sequence, positions, _pages));
            return false;
        }

        KeptCaches.Take(slot);
        Refresh(turn);
        var prefix = cache.Cached > 0 ? default : FindShared(cache.Tokens, append, _batch.Turns);
        if (prefix is { Source: { } source, Leader: null })
            cache.ShareFrom(source, prefix.Tokens, _pages);
        var needed = KeyValueLayout.Pages(positions) - cache.PageCount;
        _kept.MakeRoom(needed);

        if (_pages.Available < needed)
        {
            // Turns under way will give pages back. If there are none, every page is free, and the store holds enough.
            cache.Truncate(cache.Length, _pages);
            _kept.Keep(slot);
            return false;
        }

        slot.IsUnderWay = true;
        slot.PromptLength = cache.Length == 0 ? append.Length : slot.PromptLength;
        cache.Reserve(positions, _pages);
        turn.Begin(Version);
        if (prefix is { Source: { } ready, Leader: null } && cache.Cached < prefix.Tokens && ready.Cached >= prefix.Tokens)
            cache.ShareFrom(ready, prefix.Tokens, _pages);
        (turn.Leader, turn.SharedTokens) = (prefix.Leader, prefix.Tokens);
        return true;
    }

    // What older weights left in the cache counts no more, unless it is to be kept for exactly this kind of request.
    private void Refresh(Turn turn)
    {
        var cache = turn.Cache;
        if (turn.Request.PartialRollout && !_bounds.RecomputeCacheAfterSwap)
            cache.CarryOver(Epoch);
        if (cache.Epoch != Epoch || cache.IsMixed && !turn.Request.PartialRollout)
            cache.Distrust();
        if (cache.Cached == 0)
            cache.Trim(0, _pages);
        cache.Adopt(Epoch);
    }

    // After a change of weights. Pages that turns share are rewritten by whichever comes to it, with the same values.
    private void GoOn(Turn turn, IEnumerable<Turn> before)
    {
        turn.GoOn(Version);
        if (!_bounds.RecomputeCacheAfterSwap)
        {
            turn.Cache.CarryOver(Epoch);
            return;
        }

        turn.Cache.Adopt(Epoch);
        var prefix = FindShared(turn.Cache.Tokens, default, before);
        (turn.Leader, turn.SharedTokens) = (prefix.Leader, prefix.Tokens);
    }

    private SharedPrefix FindShared(ReadOnlySpan<int> tokens, ReadOnlySpan<int> append, IEnumerable<Turn> underWay)
    {
        var found = default(SharedPrefix);
        foreach (var turn in underWay)
            found = found.Or(turn, tokens, append, Epoch);
        foreach (var cache in _kept.Caches)
            found = found.Or(cache, tokens, append, Epoch);
        return found;
    }

    private void Share()
    {
        foreach (var turn in _batch.Turns)
        {
            if (turn.Leader is null || turn.Leader.Cache.Cached < turn.SharedTokens)
                continue;
            turn.Cache.ShareFrom(turn.Leader.Cache, turn.SharedTokens, _pages);
            turn.Leader = null;
        }
    }

    private void End(Turn turn, bool wasActive)
    {
        var slot = turn.Slot!;
        if (wasActive)
        {
            slot.IsUnderWay = false;
            if (turn.Finish == FinishReason.Failed)
                slot.Cache.Truncate(turn.LengthBefore, _pages);
            slot.Cache.Trim(slot.IsReleased ? 0 : slot.Cache.Cached, _pages);
            _kept.Keep(slot);
        }

        _pending--;
        _pinned -= turn.Request.PartialRollout ? 0 : 1;
        slot.IsBusy = slot.Waiting.TryDequeue(out var next);
        if (next is not null)
            _ready.Enqueue(next);
        _ended.Add(turn);
        Monitor.PulseAll(_gate);
    }

    private void AnswerEnded()
    {
        foreach (var turn in _ended)
            _answer(turn);
        _ended.Clear();
    }
}
