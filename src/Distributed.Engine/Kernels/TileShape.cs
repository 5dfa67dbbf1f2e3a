namespace Distributed.Engine.Kernels;

/// <summary>Height of a tile as a compile-time constant: the compiler drops the rows a tile does not have.</summary>
internal interface ITileRows
{
    static abstract int Count { get; }
}

internal readonly struct Rows1 : ITileRows { public static int Count => 1; }
internal readonly struct Rows2 : ITileRows { public static int Count => 2; }
internal readonly struct Rows3 : ITileRows { public static int Count => 3; }
internal readonly struct Rows4 : ITileRows { public static int Count => 4; }
internal readonly struct Rows5 : ITileRows { public static int Count => 5; }
internal readonly struct Rows6 : ITileRows { public static int Count => 6; }
internal readonly struct Rows7 : ITileRows { public static int Count => 7; }
internal readonly struct Rows8 : ITileRows { public static int Count => 8; }
internal readonly struct Rows9 : ITileRows { public static int Count => 9; }
internal readonly struct Rows10 : ITileRows { public static int Count => 10; }
internal readonly struct Rows11 : ITileRows { public static int Count => 11; }
internal readonly struct Rows12 : ITileRows { public static int Count => 12; }

/// <summary>How a tile reads its sides, as compile-time constants.</summary>
internal interface ITileForm
{
    /// <summary>A is [k, m], not [m, k].</summary>
    static abstract bool Transposed { get; }

    /// <summary>A step of the depth lies at a stride of the caller's, neither beside the one before (row-major A, B in panels) nor packed.</summary>
    static abstract bool Strided { get; }
}

internal readonly struct PlainForm : ITileForm { public static bool Transposed => false; public static bool Strided => false; }
internal readonly struct TransposedForm : ITileForm { public static bool Transposed => true; public static bool Strided => true; }
internal readonly struct StripForm : ITileForm { public static bool Transposed => true; public static bool Strided => false; }
