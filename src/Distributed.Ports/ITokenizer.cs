namespace Distributed.Ports;

/// <summary>Text to token ids and back, as a tokenizer.json defines it. Safe to use from several threads.</summary>
public interface ITokenizer
{
    /// <summary>Number of ids, added tokens included.</summary>
    int VocabularySize { get; }

    /// <summary>Token ids of a text; special tokens written in the text are recognised, none are added.</summary>
    int[] Encode(string text);

    /// <summary>As <see cref="Encode"/>, with each token's character range [Start, End) in the text.</summary>
    TokenSpan[] EncodeWithOffsets(string text);

    /// <summary>Text of token ids, special tokens included. Unknown ids are skipped.</summary>
    string Decode(ReadOnlySpan<int> ids);

    /// <summary>The id of a token by its exact content, or null.</summary>
    int? TokenId(string token);
}

/// <summary>A token and the characters it came from.</summary>
public readonly record struct TokenSpan(int Id, int Start, int End);
