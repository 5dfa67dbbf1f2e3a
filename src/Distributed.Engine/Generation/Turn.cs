using System.Runtime.InteropServices;
using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>One generation request under way: what was asked, and what has been sampled so far.</summary>
internal sealed class Turn
{
    private const int FirstRoom = 256;

    private readonly RandomStream _random;
    private readonly List<int> _tokens;
    private readonly List<float> _logProbs;
    private readonly List<float> _modelLogProbs;
    private readonly List<VersionRun> _versions = [];

    /// <summary>A request that has not started yet.</summary>
    public Turn(GenerateRequest request, StopRule stop, Action<GenerateReply> answer)
    {
        (Request, Stop, Answer) = (request, stop, answer);
        _random = new RandomStream(request.Seed);
        var room = Math.Clamp(request.MaxNewTokens, 0, FirstRoom);
        (_tokens, _logProbs, _modelLogProbs) = (new List<int>(room), new List<float>(room), new List<float>(room));
    }

    public GenerateRequest Request { get; }

    public StopRule Stop { get; }

    public Action<GenerateReply> Answer { get; }

    /// <summary>The sequence it belongs to; set when the request is taken in.</summary>
    public SequenceSlot? Slot { get; set; }

    /// <summary>The sequence's tokens and pages.</summary>
    public SequenceCache Cache => Slot!.Cache;

    /// <summary>A turn under way that will have cached the first <see cref="SharedTokens"/> tokens of this one, or null.</summary>
    public Turn? Leader { get; set; }

    /// <summary>How many tokens' keys and values to take over from the leader.</summary>
    public int SharedTokens { get; set; }

    /// <summary>The request's tokens are in the sequence.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Tokens of the sequence before the request: what a failed one goes back to.</summary>
    public int LengthBefore { get; private set; }

    /// <summary>The weights its next token is sampled with.</summary>
    public long Version { get; private set; }

    /// <summary>It has not sampled a token with these weights yet.</summary>
    public bool OwesToken { get; private set; } = true;

    /// <summary>Tokens sampled.</summary>
    public int Count => _tokens.Count;

    /// <summary>Positions of the sequence when half of the most that may be sampled is, at most a whole context; the same all the turn long.</summary>
    public long PositionsHalfway(int contextLength) =>
        Math.Min(contextLength, (HasBegun ? LengthBefore : Cache.Length) + (long)Request.Append.Length + (Math.Max(0, Request.MaxNewTokens) / 2));

    /// <summary>How it ended; null while it goes on.</summary>
    public FinishReason? Finish { get; private set; }

    private EngineError? Error { get; set; }

    /// <summary>Puts the request's tokens behind the sequence's.</summary>
    public void Begin(long version)
    {
        (LengthBefore, Version, HasBegun) = (Cache.Length, version, true);
        Cache.Append(Request.Append.Span);
    }

    /// <summary>Goes on with other weights.</summary>
    public void GoOn(long version) => (Version, OwesToken) = (version, true);

    /// <summary>The random number the next token is drawn with, in [0, 1).</summary>
    public double NextUniform => _random.Uniform(Count);

    /// <summary>Puts a drawn token behind the sequence; may end the turn.</summary>
    public void Take(Draw draw, IReadOnlyList<int> endTokens, int contextLength)
    {
        var (token, logProb, modelLogProb) = draw;
        if (token < 0)
        {
            Fail($"sequence {Request.Sequence}: the model's output is not finite at token {Cache.Length}; the weights are broken, load others");
            return;
        }

        OwesToken = false;
        _tokens.Add(token);
        _logProbs.Add(logProb);
        _modelLogProbs.Add(modelLogProb);
        if (_versions.Count > 0 && _versions[^1].Version == Version)
            _versions[^1] = _versions[^1] with { Tokens = _versions[^1].Tokens + 1 };
        else
            _versions.Add(new VersionRun(Version, 1));
        Cache.Append([token]);
        if (endTokens.Contains(token) || Request.StopTokens.Contains(token) || Stop.IsMet(CollectionsMarshal.AsSpan(_tokens)))
            Finish = FinishReason.Stop;
        else if (Count == Request.MaxNewTokens)
            Finish = FinishReason.Length;
        else if (Cache.Length == contextLength)
            Finish = FinishReason.ContextFull;
    }

    /// <summary>Ends the turn without sampling: the sequence has no room for the request.</summary>
    public void EndForWantOfRoom(long version) => (Version, Finish) = (version, FinishReason.ContextFull);

    /// <summary>Ends the turn with an error; what was sampled is dropped.</summary>
    public void Fail(string why) => Fail(new EngineError(why));

    /// <summary>As <see cref="Fail(string)"/>.</summary>
    public void Fail(EngineError why)
    {
        (Finish, Error) = (FinishReason.Failed, why);
        _tokens.Clear();
        _logProbs.Clear();
        _modelLogProbs.Clear();
        _versions.Clear();
    }

    /// <summary>The reply to an ended turn.</summary>
    public GenerateReply ToReply() => new(Request.Sequence, _tokens.ToArray(), _logProbs.ToArray(), _versions.Count > 0 ? _versions[^1].Version : Version, Finish!.Value, Error)
    {
        ModelLogProbs = _modelLogProbs.ToArray(),
        Versions = [.. _versions],
    };
}
