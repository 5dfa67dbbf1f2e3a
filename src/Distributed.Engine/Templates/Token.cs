namespace Distributed.Engine.Templates;

internal enum TokenKind
{
    /// <summary>Text that is copied.</summary>
    Text,

    /// <summary><c>{{</c></summary>
    OutputStart,

    /// <summary><c>}}</c></summary>
    OutputEnd,

    /// <summary><c>{%</c></summary>
    StatementStart,

    /// <summary><c>%}</c></summary>
    StatementEnd,

    Name,

    /// <summary>A literal; <see cref="Token.Value"/> holds it.</summary>
    Literal,

    Operator,

    /// <summary>The end of the template.</summary>
    End,
}

/// <summary>A word of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text, white space control applied.</param>
/// <param name="Place">Where it begins.</param>
/// <param name="Value">Of a literal: string, BigInteger or double.</param>
internal readonly record struct Token(TokenKind Kind, string Text, TemplatePlace Place, object? Value = null)
{
    public bool Is(TokenKind kind, string text) => Kind == kind && Text == text;

    /// <summary>How a complaint names it.</summary>
    public string Shown => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.OutputEnd => "}}",
        TokenKind.StatementEnd => "%}",
        TokenKind.Text => "text",
        _ => $"'{(Text.Length <= 30 ? Text : Text[..30] + "...")}'",
    };
}
