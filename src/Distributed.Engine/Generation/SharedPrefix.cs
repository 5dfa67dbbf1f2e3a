namespace Distributed.Engine.Generation;

/// <summary>Where the first tokens of a sequence are cached already, or soon will be: the rollouts of a group begin with one prompt.</summary>
/// <param name="Source">The cache that has them.</param>
/// <param name="Leader">The turn under way that will have them all, if the source does not yet; else null.</param>
/// <param name="Tokens">How many.</param>
internal readonly record struct SharedPrefix(SequenceCache? Source, Turn? Leader, int Tokens)
{
    /// <summary>A common beginning shorter than this is not worth a step's delay.</summary>
    private const int Shortest = 8;

    /// <summary>The better of this and a cache that nothing is written to.</summary>
    public SharedPrefix Or(SequenceCache resting, ReadOnlySpan<int> tokens, ReadOnlySpan<int> append, long epoch) =>
        Better(resting, null, Math.Min(Common(resting, tokens, append, epoch), resting.Cached));

    /// <summary>The better of this and a turn under way.</summary>
    public SharedPrefix Or(Turn turn, ReadOnlySpan<int> tokens, ReadOnlySpan<int> append, long epoch)
    {
        var shared = Common(turn.Cache, tokens, append, epoch);
        return Better(turn.Cache, turn.Cache.Cached < shared ? turn : null, shared);
    }

    private SharedPrefix Better(SequenceCache source, Turn? leader, int tokens) =>
        tokens < Shortest || tokens < Tokens || tokens == Tokens && (Leader is null || leader is not null) ? this : new SharedPrefix(source, leader, tokens);

    // The last token is always run: its logits are wanted.
    private static int Common(SequenceCache source, ReadOnlySpan<int> tokens, ReadOnlySpan<int> append, long epoch)
    {
        if (source.Epoch != epoch || source.IsMixed)
            return 0;
        var common = source.Tokens.CommonPrefixLength(tokens);
        if (common == tokens.Length)
            common += source.Tokens[common..].CommonPrefixLength(append);
        return Math.Min(common, tokens.Length + append.Length - 1);
    }
}
