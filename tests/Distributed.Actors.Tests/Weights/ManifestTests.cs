using System.Text;
using Distributed.Actors.Weights;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Weights;

public sealed class ManifestTests
{
    private static readonly TensorShape[] Tensors = [new("a", [2, 3]), new("b", [4])];
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 40).Select(i => (byte)(i * 7))];

    [Fact]
    public void Crc32c_gives_the_published_check_value() => Manifests.Crc32C(Encoding.ASCII.GetBytes("123456789")).ShouldBe(0xE3069283u);

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(12_287)]
    [InlineData(12_288)] // three stretches of 4 KiB, summed side by side
    [InlineData(100_003)]
    public void Crc32c_is_that_of_bit_by_bit_division_whatever_the_length(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78u); // the polynomial, lowest power first
        }

        Manifests.Crc32C(bytes).ShouldBe(~crc);
    }

    [Fact]
    public void A_manifest_lists_the_tensors_back_to_back_and_its_bytes_pass()
    {
        var manifest = Manifests.Create(Tensors, Bytes);
        manifest.TotalBytes.ShouldBe(40);
        manifest.Tensors.Select(tensor => (tensor.Name, tensor.Dtype, tensor.Offset, tensor.Length)).ShouldBe([("a", "F32", 0L, 24L), ("b", "F32", 24L, 16L)]);
        Manifests.Verify(manifest, Bytes).ShouldBeNull();
    }

    [Fact]
    public void Every_changed_byte_is_refused_with_the_name_of_its_tensor()
    {
        var manifest = Manifests.Create(Tensors, Bytes);
        for (var at = 0; at < Bytes.Length; at++)
        {
            var changed = (byte[])Bytes.Clone();
            changed[at] ^= 1;
            Manifests.Verify(manifest, changed).ShouldBe($"tensor {(at < 24 ? "a" : "b")} has a wrong checksum");
        }
    }

    [Fact]
    public void Bytes_of_another_length_and_manifests_that_leave_bytes_out_are_refused()
    {
        var manifest = Manifests.Create(Tensors, Bytes);
        Manifests.Verify(manifest, Bytes.AsSpan(1)).ShouldBe("39 bytes instead of 40");
        Manifests.Verify(manifest with { Tensors = [manifest.Tensors[0]] }, Bytes).ShouldBe("16 bytes belong to no tensor");
        Manifests.Verify(manifest with { Tensors = [manifest.Tensors[1], manifest.Tensors[0]] }, Bytes).ShouldBe("tensor b does not follow the one before it");
        Manifests.Verify(manifest with { Tensors = [manifest.Tensors[0] with { Length = long.MaxValue }] }, Bytes).ShouldBe("tensor a does not follow the one before it");
        Should.Throw<ArgumentException>(() => Manifests.Create([new TensorShape("a", [9])], Bytes));
    }
}
