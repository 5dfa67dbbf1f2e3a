using System.Collections.Immutable;
using System.Globalization;

namespace Distributed.Environments.Arithmetic;

/// <summary>What a step of a word problem does to the number so far.</summary>
public enum OperationKind
{
    /// <summary>Adds.</summary>
    Add,

    /// <summary>Takes away.</summary>
    Subtract,

    /// <summary>Multiplies.</summary>
    Multiply,

    /// <summary>Divides and rounds down.</summary>
    Divide,

    /// <summary>Keeps the remainder of a division.</summary>
    Remainder,
}

/// <summary>A step of a word problem.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Number">With which number.</param>
/// <param name="Wording">Which of the kind's wordings says so.</param>
public readonly record struct Operation(OperationKind Kind, int Number, int Wording)
{
    /// <summary>Wordings of each kind.</summary>
    public const int Wordings = 3;

    /// <summary>The numbers of a problem stay below this.</summary>
    public const long Bound = 1_000_000;

    private static readonly ImmutableArray<string> wordings =
    [
        "gets {0} more", "finds {0} more", "buys {0} more",
        "loses {0} of them", "sells {0} of them", "gives {0} away",
        "gets {0} times as many", "makes {0} times that", "fills {0} such bags",
        "keeps one of {0} equal shares", "splits them in {0} and keeps one", "shares them among {0} friends",
        "packs boxes of {0} and keeps the rest", "fills bags of {0} and keeps the rest", "sells sets of {0} and keeps the rest",
    ];

    /// <summary>Every word of the wordings once.</summary>
    public static IEnumerable<string> Words => wordings.SelectMany(text => text.Split(' ')).Where(word => word != "{0}").Distinct();

    /// <summary>The operator in a program.</summary>
    public string Sign => Kind switch
    {
        OperationKind.Add => "+",
        OperationKind.Subtract => "-",
        OperationKind.Multiply => "*",
        OperationKind.Divide => "//",
        _ => "%",
    };

    /// <summary>In words.</summary>
    public string Text => string.Format(CultureInfo.InvariantCulture, wordings[((int)Kind * Wordings) + Wording], DigitNotation.Of(Number));

    /// <summary>What becomes of a number; divisions round down, as Python's do.</summary>
    public long Apply(long value) => Kind switch
    {
        OperationKind.Add => value + Number,
        OperationKind.Subtract => value - Number,
        OperationKind.Multiply => value * Number,
        OperationKind.Divide => (value - Modulo(value)) / Number,
        _ => Modulo(value),
    };

    private long Modulo(long value) => ((value % Number) + Number) % Number;
}
