using System.Numerics;
using System.Runtime.CompilerServices;

namespace Distributed.Engine.Formats;

/// <summary>How a weight is kept in a file.</summary>
public enum WeightType
{
    /// <summary>IEEE 754 binary32.</summary>
    F32,

    /// <summary>The upper half of a binary32.</summary>
    BF16,

    /// <summary>IEEE 754 binary16.</summary>
    F16,
}

/// <summary>Weights between their types. Little-endian in files; float32 upcasts are exact, narrowing rounds to nearest, ties to even.</summary>
internal static unsafe class WeightTypes
{
    /// <summary>The type by safetensors' name, or null.</summary>
    public static WeightType? Find(string name) => name switch
    {
        "F32" => WeightType.F32,
        "BF16" => WeightType.BF16,
        "F16" => WeightType.F16,
        _ => null,
    };

    /// <summary>Bytes of one value.</summary>
    public static int Size(this WeightType type) => type == WeightType.F32 ? 4 : 2;

    /// <summary>As config.json's torch_dtype has it.</summary>
    public static string TorchName(this WeightType type) => type switch
    {
        WeightType.BF16 => "bfloat16",
        WeightType.F16 => "float16",
        _ => "float32",
    };

    public static void ToFloats(byte* from, WeightType type, float* to, long count)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Weights are read on little-endian machines only.");
        if (type == WeightType.F32)
        {
            Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));
        }
        else if (type == WeightType.BF16)
        {
            Widen((ushort*)from, to, count);
        }
        else
        {
            var halves = (Half*)from;
            for (long i = 0; i < count; i++)
                to[i] = (float)halves[i];
        }
    }

    /// <summary>Narrows values; false if one of them does not fit and became infinite.</summary>
    public static bool FromFloats(float* from, WeightType type, byte* to, long count)
    {
        if (type == WeightType.F32)
        {
            Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));
            return true;
        }

        var fits = true;
        for (long i = 0; i < count; i++)
        {
            if (type == WeightType.BF16)
            {
                var bits = ToBFloat16(from[i]);
                ((ushort*)to)[i] = bits;
                fits &= (bits & 0x7F80) != 0x7F80;
            }
            else
            {
                var half = (Half)from[i];
                ((Half*)to)[i] = half;
                fits &= Half.IsFinite(half);
            }
        }

        return fits;
    }

    /// <summary>Rounds to the nearest bfloat16, ties to even. Not for values that are not numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Index of the first value that is infinite or not a number, or -1.</summary>
    public static long FirstNotFinite(float* values, long count)
    {
        long i = 0;
        var exponent = new Vector<uint>(0x7F800000u);
        for (; i + Vector<uint>.Count <= count; i += Vector<uint>.Count)
            if (Vector.EqualsAny(Vector.Load((uint*)values + i) & exponent, exponent))
                break;
        for (; i < count; i++)
            if (!float.IsFinite(values[i]))
                return i;
        return -1;
    }

    /// <summary>Index of the first bfloat16 that is infinite or not a number, or -1.</summary>
    public static long FirstNotFinite(ushort* values, long count)
    {
        long i = 0;
        var exponent = new Vector<ushort>(0x7F80);
        for (; i + Vector<ushort>.Count <= count; i += Vector<ushort>.Count)
            if (Vector.EqualsAny(Vector.Load(values + i) & exponent, exponent))
                break;
        for (; i < count; i++)
            if ((values[i] & 0x7F80) == 0x7F80)
                return i;
        return -1;
    }

    private static void Widen(ushort* from, float* to, long count)
    {
        long i = 0;
        for (; i + Vector<ushort>.Count <= count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(from + i), out var low, out var high);
            Vector.Store(low << 16, (uint*)to + i);
            Vector.Store(high << 16, (uint*)to + i + Vector<uint>.Count);
        }

        for (; i < count; i++)
            to[i] = BitConverter.UInt32BitsToSingle((uint)from[i] << 16);
    }
}
