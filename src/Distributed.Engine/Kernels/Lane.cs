namespace Distributed.Engine.Kernels;

/// <summary>
/// A vector of floats of one width, so that every row-wise kernel is written once. The compiler makes separate code for each
/// implementation; nothing is dispatched while it runs.
/// </summary>
internal unsafe interface ILane<TSelf>
    where TSelf : struct, ILane<TSelf>
{
    static abstract int Width { get; }
    static abstract TSelf Load(float* from);

    /// <summary>The first <paramref name="count"/> floats, zeros behind.</summary>
    static abstract TSelf LoadFirst(float* from, int count);
    static abstract void Store(TSelf value, float* to);
    static abstract void StoreFirst(TSelf value, float* to, int count);
    static abstract TSelf All(float value);
    static abstract TSelf Add(TSelf x, TSelf y);
    static abstract TSelf Subtract(TSelf x, TSelf y);
    static abstract TSelf Multiply(TSelf x, TSelf y);
    static abstract TSelf Divide(TSelf x, TSelf y);
    static abstract TSelf SquareRoot(TSelf x);

    /// <summary>x * y + z.</summary>
    static abstract TSelf MultiplyAdd(TSelf x, TSelf y, TSelf z);

    /// <summary>The larger; <paramref name="y"/> where either is not a number.</summary>
    static abstract TSelf Max(TSelf x, TSelf y);

    /// <summary>The smaller; <paramref name="y"/> where either is not a number.</summary>
    static abstract TSelf Min(TSelf x, TSelf y);

    /// <summary>To the nearest whole number, ties to even.</summary>
    static abstract TSelf Round(TSelf x);

    /// <summary>x * 2^n for whole n in [-126, 127].</summary>
    static abstract TSelf Scale(TSelf x, TSelf n);

    /// <summary>The first <paramref name="count"/> floats of <paramref name="first"/>, the others of <paramref name="rest"/>.</summary>
    static abstract TSelf Join(TSelf first, TSelf rest, int count);
    static abstract float Sum(TSelf x);
    static abstract float Largest(TSelf x);
}
