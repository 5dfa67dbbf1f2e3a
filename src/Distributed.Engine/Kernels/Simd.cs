using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>Which vector instructions the kernels use.</summary>
internal enum SimdPath
{
    /// <summary><see cref="System.Numerics.Vector{T}"/>: whatever the runtime offers, any architecture.</summary>
    Vector,

    /// <summary>256-bit vectors with fused multiply-add.</summary>
    Avx2,

    /// <summary>512-bit vectors.</summary>
    Avx512,
}

/// <summary>
/// The vector instructions in use, chosen once at start: the widest the machine has, unless the environment variable
/// <c>DISTRIBUTED_SIMD</c> (or the AppContext value <c>Distributed.Simd</c>) says <c>avx512</c>, <c>avx2</c> or <c>vector</c>.
/// Results are equal to the bit within one path, not between paths.
/// </summary>
internal static class Simd
{
    public static readonly SimdPath Path = Choose(
        AppContext.GetData("Distributed.Simd") as string ?? Environment.GetEnvironmentVariable("DISTRIBUTED_SIMD"));

    public static bool IsSupported(SimdPath path) => path switch
    {
        SimdPath.Avx512 => Avx512F.IsSupported,
        SimdPath.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        _ => true,
    };

    /// <summary>The path for a wish; the widest supported one when there is no wish.</summary>
    /// <exception cref="PlatformNotSupportedException">The wish is unknown or this machine cannot do it.</exception>
    public static SimdPath Choose(string? wish)
    {
        if (string.IsNullOrEmpty(wish))
            return IsSupported(SimdPath.Avx512) ? SimdPath.Avx512 : IsSupported(SimdPath.Avx2) ? SimdPath.Avx2 : SimdPath.Vector;

        SimdPath? path = wish switch { "avx512" => SimdPath.Avx512, "avx2" => SimdPath.Avx2, "vector" => SimdPath.Vector, _ => null };
        if (path is not { } known)
            throw new PlatformNotSupportedException($"DISTRIBUTED_SIMD is '{wish}'; write avx512, avx2 or vector, or leave it out.");
        if (!IsSupported(known))
            throw new PlatformNotSupportedException($"DISTRIBUTED_SIMD asks for '{wish}', which this processor does not have; leave it out.");
        return known;
    }
}
