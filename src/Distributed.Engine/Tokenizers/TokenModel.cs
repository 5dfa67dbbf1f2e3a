using Distributed.Ports;

namespace Distributed.Engine.Tokenizers;

/// <summary>What differs between kinds of tokenizers: how text without added tokens becomes ids, and how ids become text.</summary>
internal abstract class TokenModel
{
    /// <summary>Appends the ids of a text that is normalized and holds no added token.</summary>
    public abstract void Encode(ReadOnlySpan<char> text, List<int> ids);

    /// <summary>As <see cref="Encode"/>, with character ranges that count from the beginning of <paramref name="text"/>.</summary>
    public abstract void EncodeWithOffsets(ReadOnlySpan<char> text, List<TokenSpan> spans);

    /// <summary>Text of ids; unknown ids are skipped.</summary>
    public abstract string Decode(ReadOnlySpan<int> ids);
}
