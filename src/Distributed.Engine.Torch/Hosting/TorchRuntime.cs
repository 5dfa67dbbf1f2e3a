using System.Runtime.InteropServices;
using TorchSharp;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>Finds libtorch. TorchSharp's package holds no libtorch of its own: it comes with a package, or is on the machine already.</summary>
public static class TorchRuntime
{
    /// <summary>The environment variable that names a folder with libtorch's libraries (libtorch_cpu, libc10, and libtorch_cuda if there is one), as PyTorch's <c>torch/lib</c> is one.</summary>
    public const string FolderVariable = "DISTRIBUTED_LIBTORCH";

    // In the order in which they need each other; what is not there is passed over.
    private static readonly string[] s_libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch", "LibTorchSharp"];
    private static readonly Lazy<string?> s_failure = new(Load);

    /// <summary>Why torch cannot be used, in one line with what to type; null if it can.</summary>
    public static string? Complaint => s_failure.Value;

    /// <summary>Whether torch can be used and sees a CUDA device.</summary>
    public static bool HasCuda => Complaint is null && torch.cuda.is_available();

    /// <summary>CUDA devices.</summary>
    public static int CudaDevices => HasCuda ? torch.cuda.device_count() : 0;

    /// <summary>What is wrong with the name of a device, or null.</summary>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    public static string? DeviceComplaint(string device)
    {
        if (Complaint is { } complaint)
            return complaint;
        if (device == "cpu")
            return null;
        if (device != "cuda" && !(device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(device.AsSpan(5), out var index) && index >= 0))
            return $"there is no device '{device}'; name cpu, cuda or cuda:N";
        return device == "cuda" || !HasCuda
            ? HasCuda ? null : $"torch sees no CUDA device; give --device cpu, or see docs/gpu.md"
            : int.Parse(device.AsSpan(5)) < CudaDevices ? null : $"there is no device '{device}'; torch sees {CudaDevices} (cuda:0 to cuda:{CudaDevices - 1})";
    }

    private static string? Load()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder)
        {
            if (!Directory.Exists(folder))
                return $"{FolderVariable} is {folder}, which is no folder; name the one that holds libtorch's libraries";
            foreach (var library in s_libraries)
            {
                var path = Path.Combine(folder, FileName(library));
                if (File.Exists(path))
                    NativeLibrary.TryLoad(path, out _);
            }
        }

        // TorchSharp prints pages when it finds nothing, so it is asked only when it will.
        if (!NativeLibrary.TryLoad("LibTorchSharp", typeof(torch).Assembly, null, out _))
            return NotFound;
        try
        {
            using var one = torch.ones(1);
            return one.item<float>() == 1 ? null : "torch cannot count; its installation is broken";
        }
        catch (Exception error)
        {
            for (var inner = error; inner is not null; inner = inner.InnerException)
                if (inner is NotSupportedException or DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
                    return NotFound;
            return $"torch cannot be started: {(error.InnerException ?? error).Message.Split('\n')[0].Trim()}";
        }
    }

    private static string NotFound =>
        $"the torch engine finds no libtorch; build with -p:Torch=cpu or -p:Torch=cuda, or set {FolderVariable} to the folder of one that TorchSharp {Version} is made for (docs/gpu.md)";

    private static string Version => typeof(torch).Assembly.GetName().Version is { } version ? $"{version.Major}.{version.Minor}" : "";

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";
}
